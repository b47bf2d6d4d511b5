//! Files of predictions.

use std::fs;

use sah_aime::{PredictionScores, Rates, score_predictions};

fn score(text: &str) -> Result<PredictionScores, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    fs::write(&file, text).unwrap();
    let scored = score_predictions(&file, None);
    scored.map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))
}

#[test]
fn each_row_has_a_verdict() {
    let text = concat!(
        r#"{"id": "a", "answer": "033", "prediction": "<think>12</think>\\boxed{33}"}"#,
        "\n",
        r#"{"id": "b", "answer": 33, "prediction": "33"}"#,
        "\n",
        r#"{"id": "c", "answer": ["33"], "prediction": "34"}"#,
        "\n",
        r#"{"id": "d", "answer": "33", "prediction": null}"#,
    );
    let scores = score(text).unwrap();
    let right: Vec<bool> = scores.rows.rows.iter().map(|row| row.score.is_right).collect();
    assert_eq!(right, [true, true, false, false]);
    assert_eq!(scores.rates, Rates { accuracy: 0.5, boxed_rate: 0.25, extracted_rate: 0.75 });
    assert_eq!(scores.rows.thoughts.unwrap().rows, 1);
    assert_eq!(scores.repeats, None);
}

#[test]
fn several_predictions_for_a_problem_have_pass_at_k() {
    let line = |id: &str, repeat: usize, answer: &str| {
        format!(r#"{{"id": "{id}", "repeat": {repeat}, "answer": "33", "prediction": "{answer}"}}"#)
    };
    let answers = [("a", ["33", "1", "2", "3"]), ("b", ["1", "2", "3", "4"])];
    let lines = answers.map(|(id, answers)| {
        answers.iter().enumerate().map(|(repeat, answer)| line(id, repeat, answer)).collect::<Vec<_>>()
    });
    let scores = score(&lines.concat().join("\n")).unwrap();
    assert_eq!(scores.rates, Rates { accuracy: 0.125, boxed_rate: 0.0, extracted_rate: 1.0 });
    let repeats = scores.repeats.unwrap();
    let all = &repeats.figures["all"];
    assert_eq!((repeats.count, all.rows, all.mean.unwrap().value), (4, 2, 0.125));
    let pass: Vec<(usize, f64)> = all.pass.iter().map(|(k, figure)| (*k, figure.value)).collect();
    assert_eq!(pass, [(1, 0.125), (2, 0.25), (4, 0.5)]);
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = "FILE: row 1, field answer: expected an integer from 0 to 999, found ";
    for (text, message) in [
        (r#"{"prediction": "x", "answer": "x"}"#, format!("{wrong}\"x\"")),
        (r#"{"prediction": "x", "answer": ["1", "2"]}"#, format!(r#"{wrong}["1", "2"]"#)),
        (r#"{"prediction": "x"}"#, format!("{wrong}[]")),
        (r#"{"answer": "1"}"#, "FILE: row 1, field prediction: expected a text, found nothing".to_owned()),
    ] {
        assert_eq!(score(text).unwrap_err(), message);
    }
}
