//! Rules of scorers that are on no package index, from `tests/reference/rules.py`.

use sah_metrics::{stated_choice, string_match_all, string_match_part};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    string_match: Vec<Match>,
    stated_choice: Vec<(String, Option<char>)>,
}

#[derive(Deserialize)]
struct Match {
    prediction: String,
    references: Vec<String>,
    /// Of all references, of any.
    scores: [f64; 2],
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../reference/rules.json")).unwrap()
}

#[test]
fn references_are_found_by_the_rule_of_ruler() {
    let cases = golden().string_match;
    assert!(cases.iter().filter(|case| case.scores[0] > 0.0 && case.scores[0] < 1.0).count() > 50);
    for Match { prediction, references, scores } in cases {
        let found = [string_match_all(&prediction, &references), string_match_part(&prediction, &references)];
        assert_eq!(found, scores, "{prediction:?} {references:?}");
    }
}

#[test]
fn letters_are_found_by_the_rule_of_longbench_v2() {
    let cases = golden().stated_choice;
    for letter in ['A', 'B', 'C', 'D'] {
        assert!(cases.iter().any(|(_, found)| *found == Some(letter)), "{letter}");
    }
    for (text, letter) in cases {
        assert_eq!(stated_choice(&text), letter, "{text:?}");
    }
}
