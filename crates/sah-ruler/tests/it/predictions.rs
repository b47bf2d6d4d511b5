//! Predictions that something else made.

use std::fs;

use sah_request::ThoughtsInAnswers;
use sah_ruler::{Summary, score_predictions};

fn score(lines: &[&str]) -> Result<Summary, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let rows = score_predictions(&file, Some(ThoughtsInAnswers::LeftOut));
    let rows = rows.map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))?;
    Ok(Summary::of(&rows.rows.into_iter().map(|row| row.score).collect::<Vec<_>>()))
}

#[test]
fn tasks_are_scored_as_officially() {
    let summary = score(&[
        r#"{"task": "cwe", "prediction": "Reed, kelp", "answers": ["reed", "kelp", "moss"], "length": 4096}"#,
        r#"{"task": "cwe", "prediction": "\u0000\n ", "outputs": ["reed", "kelp", "moss"], "length": 4096}"#,
        r#"{"task": "qa_2", "prediction": "Yes.", "answer": ["yes", "no"]}"#,
        r#"{"task": "qa_2", "prediction": "<think>no", "answer": ["yes", "no"]}"#,
        r#"{"task": "qa_2", "prediction": null, "answer": ["yes", "no"]}"#,
    ]);
    let summary = summary.unwrap();
    assert_eq!(summary.tasks["cwe"]["4096"], 33.33);
    assert_eq!(summary.tasks["qa_2"]["all"], 33.33);
    assert_eq!(summary.nulls["cwe"]["4096"], "1/2");
    assert_eq!(summary.nulls["qa_2"]["all"], "2/3");
}

#[test]
fn what_cannot_be_scored_is_named() {
    for (line, message) in [
        (
            r#"{"task": "cwe", "prediction": "", "answers": []}"#,
            "field answers: expected one text or more, found an empty list",
        ),
        (r#"{"task": "cwe", "prediction": ""}"#, "field answers: expected a list of texts, found nothing"),
    ] {
        assert_eq!(score(&[line]).unwrap_err(), format!("FILE: row 1, {message}"));
    }
    let message = score(&[r#"{"task": "niah", "prediction": "", "answers": ["a"]}"#]).unwrap_err();
    assert!(message.starts_with("FILE: row 1, field task: expected one of niah_single_1, "), "{message}");
    assert!(message.ends_with("found the text \"niah\""), "{message}");
}
