//! Predictions that something else made.

use sah_zeroscrolls::{Figures, figures, score_predictions};

fn scored(text: &str) -> Result<(Vec<f64>, Figures), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    std::fs::write(&file, text).unwrap();
    let rows = score_predictions(&file, None)
        .map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))?;
    Ok((rows.rows.iter().map(|row| row.score.value()).collect(), figures(&rows)))
}

#[test]
fn rows_and_tasks_have_scores() {
    let lines = [
        r#"{"task": "quality", "prediction": "(B)", "answers": ["B"]}"#,
        r#"{"task": "quality", "prediction": "C", "output": "B"}"#,
        r#"{"task": "quality", "prediction": null, "answer": "B"}"#,
        r#"{"task": "space_digest", "pred": "50%", "outputs": ["60%"]}"#,
        r#"{"task": "book_sum_sort", "pred": "2 1 3", "answers": ["1, 2, 3"]}"#,
    ];
    let (rows, figures) = scored(&lines.join("\n")).unwrap();
    assert_eq!(rows[..4], [100.0, 0.0, 0.0, 50.0]);
    assert_eq!(figures.tasks["quality"], (33.3333, 3));
    assert_eq!(figures.tasks["book_sum_sort"], (66.6667, 1));
    assert_eq!(figures.overall, Some(50.0));
}

#[test]
fn what_is_wrong_is_named() {
    for (line, message) in [
        (
            r#"{"task": "quali", "pred": "", "answer": "A"}"#,
            "row 1, field task: expected one of gov_report, ",
        ),
        (
            r#"{"task": "quality", "pred": "", "answers": []}"#,
            "row 1, field answers: expected at least one text, found none",
        ),
        (r#"{"task": "quality", "pred": "", "answer": "E"}"#, "row 1, field answer: expected letters A to D"),
        (
            r#"{"task": "qasper", "pred": ""}"#,
            "row 1, field answers: expected a list of texts, found nothing",
        ),
    ] {
        let error = scored(line).unwrap_err();
        assert!(error.contains(&format!("FILE: {message}")), "{error}");
    }
}
