//! Predictions that something else made.

use std::path::Path;

use sah_loogle::score_predictions;
use sah_metrics::WordNet;
use serde_json::{Value, json};

fn scored(text: &str, wordnet: Option<&WordNet>) -> Result<(Vec<Value>, Vec<Value>), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    std::fs::write(&file, text).unwrap();
    let (rows, tasks) = score_predictions(&file, None, wordnet)
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
    let (rows, tasks) = scored(&lines.join("\n"), None).unwrap();
    assert_eq!(
        (&rows[0]["bleu1"], &rows[0]["rouge1_recall"], &rows[0]["rouge2_recall"]),
        (&json!(0.5), &json!(0.5), &json!(0.0))
    );
    assert_eq!(rows[1], json!({"exact_match": [0, 2], "partial_match": [1, 2]}));
    assert_eq!(rows[2], json!({"exact_match": [1, 1], "partial_match": [1, 1]}));
    assert_eq!(tasks, [json!(["shortdep_qa", 0.5, 1]), json!(["shortdep_cloze", 0.3333, 2])]);
}

/// Its value is that of NLTK 3.8.1: `single_meteor_score("The doctor purchased cars .".split(), "the physician bought a car .".split())`.
#[test]
fn with_a_wordnet_there_is_meteor() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sah-metrics/tests/reference/wordnet");
    let wordnet = WordNet::open(Path::new(folder)).unwrap();
    let line = r#"{"task": "longdep_qa", "prediction": "the physician bought a car .", "answer": "The doctor purchased cars ."}"#;
    let (rows, _) = scored(line, Some(&wordnet)).unwrap();
    assert_eq!(rows[0]["meteor"], 0.735_294_117_647_058_9);
    let (rows, _) = scored(line, None).unwrap();
    assert_eq!(rows[0].get("meteor"), None);
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
        let error = scored(line, None).unwrap_err();
        assert!(error.contains(&format!("FILE: {message}")), "{error}");
    }
}
