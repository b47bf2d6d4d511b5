//! Oracles capture what they claim.

use sah_attention::{AttentionConfig, OracleTopPConfig, ResearchAttention, Size};

use crate::heads::{Heads, preset};
use crate::rules::{Entries, check_top_k, check_top_p};

/// Scores of real heads reach 100: a rounding of f32 is 1e-5.
const TOLERANCE: f64 = 1e-4;

#[test]
fn oracles_capture_what_they_claim() {
    let config = AttentionConfig::streaming_llm(Size::Count(128), Size::Count(128));
    let before = ResearchAttention::from_config(&config).unwrap();
    for heads in Heads::of_the_default_model() {
        let previous = Entries::weights(&heads.select(&before, 0));
        for percent in [1, 10] {
            let mask = heads.select(&preset("oracle_top_k", &[&format!("heavy_size={percent}%")]), 0);
            let count = heads.scores.shape.keys * percent / 100;
            check_top_k(&mask, &previous, &heads.scores, None, count, TOLERANCE);
        }
        // All attention is left to share out, then what sink and window do not hold.
        let alone = ResearchAttention::from_config(
            &AttentionConfig::new(vec![OracleTopPConfig { top_p: 0.9 }.into()]).unwrap(),
        )
        .unwrap();
        let nothing = Entries { shape: previous.shape, values: vec![0.0; previous.values.len()] };
        check_top_p(&heads.select(&alone, 0), &nothing, &heads.scores, None, 0.9);
        for top_p in [0.5, 0.9, 0.99] {
            let mask = heads.select(&preset("oracle_top_p", &[&format!("top_p={top_p}")]), 0);
            check_top_p(&mask, &previous, &heads.scores, None, top_p);
        }
    }
}
