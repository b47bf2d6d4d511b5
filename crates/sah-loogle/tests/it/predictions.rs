//! Predictions that something else made.

use sah_loogle::score_predictions;
use serde_json::{Value, json};

fn scored(text: &str) -> Result<(Vec<Value>, Vec<Value>), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    std::fs::write(&file, text).unwrap();
    let (rows, tasks) = score_predictions(&file, None)
        .map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))?;
    let tasks =
        tasks.into_iter().map(|scored| json!([scored.task.name, scored.figures.main, scored.rows])).collect();
    Ok((rows.rows.iter().map(|row| row.score.json()).collect(), tasks))
}

#[test]
fn rows_have_the_official_figures() {
    let lines = [
        r#"{"task": "shortdep_qa", "prediction": "x y", "answer": "x z"}"#,
        r#"{"task": "shortdep_cloze", "prediction": "{'a': 'B C'}", "answer": {"a": "B", "b": "D"}}"#,
        r#"{"task": "shortdep_cloze", "prediction": "{'a': 'B'}", "answer": "{'a': 'B'}"}"#,
    ];
    let (rows, tasks) = scored(&lines.join("\n")).unwrap();
    assert_eq!(
        (&rows[0]["bleu1"], &rows[0]["rouge1_recall"], &rows[0]["rouge2_recall"]),
        (&json!(0.5), &json!(0.5), &json!(0.0))
    );
    assert_eq!(rows[1], json!({"exact_match": [0, 2], "partial_match": [1, 2]}));
    assert_eq!(rows[2], json!({"exact_match": [1, 1], "partial_match": [1, 1]}));
    assert_eq!(tasks, [json!(["shortdep_qa", 0.5, 1]), json!(["shortdep_cloze", 0.3333, 2])]);
}

#[test]
fn what_is_wrong_is_named() {
    for (line, message) in [
        (r#"{"task": "qa", "pred": "", "answer": "A"}"#, "row 1, field task: expected one of shortdep_qa, "),
        (r#"{"task": "longdep_qa", "pred": ""}"#, "row 1, field answer: expected a text, found nothing"),
        (
            r#"{"task": "shortdep_cloze", "pred": "", "answer": "B"}"#,
            "row 1, field answer: expected an object from gaps to texts",
        ),
        (
            r#"{"task": "shortdep_cloze", "pred": "", "answer": {"a": 1}}"#,
            "row 1, field answer: expected an object from gaps to texts",
        ),
    ] {
        let error = scored(line).unwrap_err();
        assert!(error.contains(&format!("FILE: {message}")), "{error}");
    }
}
