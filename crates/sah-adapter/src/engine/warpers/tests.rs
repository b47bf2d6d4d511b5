//! Against transformers' logits warpers: `tests/reference/logits_processors.py` writes the golden.

use std::num::NonZeroUsize;

use serde::Deserialize;

use super::{draw, most_likely, restrict};
use crate::{RandomSampling, Share, Temperature};

#[derive(Deserialize)]
struct Golden {
    logits: Vec<Vec<f32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    /// Which of the logits.
    logits: usize,
    temperature: Temperature,
    top_k: Option<NonZeroUsize>,
    top_p: Option<Share>,
    min_p: Option<Share>,
    /// Tokens that can be drawn.
    kept: Vec<usize>,
    /// Their logits.
    scores: Vec<f32>,
}

#[test]
fn what_can_be_drawn_is_what_transformers_leaves() {
    let golden = include_str!("../../../tests/reference/logits_warpers.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    assert!(golden.cases.len() >= 100, "{}", golden.cases.len());
    for (number, case) in golden.cases.into_iter().enumerate() {
        let mut logits = golden.logits[case.logits].clone();
        let sampling = RandomSampling {
            temperature: case.temperature,
            top_k: case.top_k,
            top_p: case.top_p,
            min_p: case.min_p,
            seed: 0,
        };
        restrict(&mut logits, &sampling);
        let kept: Vec<usize> = (0..logits.len()).filter(|&i| logits[i] > f32::NEG_INFINITY).collect();
        assert_eq!(kept, case.kept, "case {number}: {sampling:?}");
        for (token, expected) in kept.into_iter().zip(case.scores) {
            let found = logits[token];
            assert!((found - expected).abs() <= 1e-6 * expected.abs(), "case {number}: {found} {expected}");
        }
    }
}

#[test]
fn the_first_of_several_equals_is_taken() {
    assert_eq!(most_likely(&[1.0, 3.0, 3.0, f32::NEG_INFINITY]), 1);
}

#[test]
fn a_token_is_drawn_where_the_cumulated_probability_passes() {
    let logits = [0.25_f32, 0.5, 0.25].map(f32::ln);
    for (uniform, token) in [(0.0, 0), (0.24, 0), (0.26, 1), (0.74, 1), (0.76, 2), (0.999_999, 2)] {
        assert_eq!(draw(&logits, uniform), token, "{uniform}");
    }
    // What was dropped is never drawn.
    let logits = [f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
    assert!([0.0, 0.5, 1.0 - f64::EPSILON].iter().all(|&uniform| draw(&logits, uniform) == 1));
}
