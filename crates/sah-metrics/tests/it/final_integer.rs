//! The integers that solutions end in against what published harnesses call right, from `tests/reference/final_integer.py`.

use sah_metrics::final_integer;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    text: String,
    answer: u64,
    /// Of math-verify, lm-eval and inspect-evals.
    verdicts: [bool; 3],
}

/// Three of the four harnesses that the rule follows: where they agree, it is what they say.
#[test]
fn a_solution_is_right_where_three_harnesses_say_so_and_wrong_where_they_do() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../reference/final_integer.json")).unwrap();
    let agreed = |verdict: bool| cases.iter().filter(move |case| case.verdicts == [verdict; 3]);
    assert!(agreed(true).count() > 15 && agreed(false).count() > 60);
    for is_right in [true, false] {
        let differs = |case: &&Case| (final_integer(&case.text).value == Some(case.answer)) != is_right;
        let differing: Vec<_> =
            agreed(is_right).filter(differs).map(|case| (&case.text, case.answer)).collect();
        assert!(differing.is_empty(), "{is_right}: {differing:#?}");
    }
}
