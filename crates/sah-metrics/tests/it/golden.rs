//! The golden file, and each metric against it.

use std::collections::BTreeMap;

use sah_metrics::literal::{Literal, parse};
use sah_metrics::{Rouge, bleu, python, qa_f1_unidecode, rouge_l_figures, rouge_n, rouge_score, unidecode};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Golden {
    pairs: Vec<Pair>,
    characters: Vec<(String, String)>,
    literals: Vec<(String, Option<BTreeMap<String, Value>>)>,
}

#[derive(Deserialize)]
struct Pair {
    prediction: String,
    reference: String,
    /// Precision, recall and F of ROUGE-1, -2, -L and -Lsum.
    rouge_score: [[f64; 3]; 4],
    /// Of ROUGE-1, -2 and -L of the package `rouge`.
    rouge: Option<[[f64; 3]; 3]>,
    /// With all weight on words, on 4-grams, and with equal weights.
    bleu: [f64; 3],
    f1_in_ascii: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../reference/text_metrics.json")).unwrap()
}

fn figures(rouge: Rouge) -> [f64; 3] {
    [rouge.precision, rouge.recall, rouge.f]
}

#[test]
fn rouge_score_s_figures_are_equal() {
    let pairs = golden().pairs;
    assert!(pairs.len() > 50);
    for Pair { prediction, reference, rouge_score: expected, .. } in pairs {
        let found = [
            rouge_score::rouge_n(&prediction, &reference, 1),
            rouge_score::rouge_n(&prediction, &reference, 2),
            rouge_score::rouge_l(&prediction, &reference),
            rouge_score::rouge_lsum(&prediction, &reference),
        ];
        assert_eq!(found.map(figures), expected, "{prediction:?} against {reference:?}");
    }
}

#[test]
fn rouge_s_figures_are_equal_and_missing_where_it_raises() {
    let mut raised = 0;
    for Pair { prediction, reference, rouge: expected, .. } in golden().pairs {
        let found = [
            rouge_n(&prediction, &reference, 1),
            rouge_n(&prediction, &reference, 2),
            rouge_l_figures(&prediction, &reference),
        ];
        let found = found.map(|rouge| rouge.map(figures));
        raised += usize::from(expected.is_none());
        let expected = expected.map_or([None; 3], |figures| figures.map(Some));
        assert_eq!(found, expected, "{prediction:?} against {reference:?}");
    }
    assert!(raised > 3);
}

/// The exponential function of Rust and of C may differ in the last digit.
#[test]
fn bleu_is_equal_but_for_the_last_digit() {
    for Pair { prediction, reference, bleu: expected, .. } in golden().pairs {
        let words = |text| python::split_whitespace(text).collect::<Vec<_>>();
        let found = [&[1.0, 0.0, 0.0, 0.0][..], &[0.0, 0.0, 0.0, 1.0], &[0.25; 4]]
            .map(|weights| bleu(&words(&prediction), &words(&reference), weights));
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 1e-12 * expected,
                "{found} {expected} {prediction:?} against {reference:?}"
            );
        }
    }
}

#[test]
fn f1_in_ascii_is_equal() {
    for Pair { prediction, reference, f1_in_ascii: expected, .. } in golden().pairs {
        assert_eq!(
            qa_f1_unidecode(&prediction, &reference),
            expected,
            "{prediction:?} against {reference:?}"
        );
    }
}

#[test]
fn letters_and_symbols_have_unidecode_s_ascii() {
    let mut characters = 0;
    for (run, expected) in golden().characters {
        let parted: Vec<String> = run.chars().map(String::from).collect();
        assert_eq!(unidecode(&parted.join("|")), expected, "{run}");
        characters += parted.len();
    }
    assert!(characters > 5000, "{characters}");
}

#[test]
fn literals_are_read_as_python_evaluates_them() {
    for (source, expected) in golden().literals {
        let found = match parse(&source) {
            Ok(Literal::Dict(entries)) => Some(
                entries
                    .iter()
                    .filter_map(|(key, value)| {
                        Some((key.text()?.to_owned(), value.text().map_or(Value::Bool(false), Value::from)))
                    })
                    .collect::<BTreeMap<_, _>>(),
            ),
            _ => None,
        };
        assert_eq!(found, expected, "{source:?}");
    }
}
