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

/// A line as RULER's own program writes it. `length` is that of the prompt, another one in each row.
fn own_line(index: usize, pred: &str, outputs: &[&str]) -> String {
    serde_json::json!({
        "index": index, "pred": pred, "input": "..", "outputs": outputs, "others": {"id": index}, "truncation": -1,
        "length": 4000 + index
    })
    .to_string()
        + "\n"
}

#[test]
fn a_folder_of_rulers_own_has_tasks_and_lengths_in_its_paths() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("llama/synthetic");
    let write = |path: &str, lines: &[String]| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, lines.concat()).unwrap();
    };
    let line = |index, pred| own_line(index, pred, &["7316884"]);
    write("4096/pred/niah_single_1.jsonl", &[line(0, " 7316884."), line(1, "no")]);
    // Two parts of a task, and what else lies there.
    write("4096/pred/qa_1-0.jsonl", &[own_line(0, "in 1302", &["1302", "the year 1302"])]);
    write("4096/pred/qa_1-1.jsonl", &[own_line(1, "", &["Bath"])]);
    write("4096/pred/summary.csv", &["0,1".to_owned()]);
    write("4096/data/niah_single_1/validation.jsonl", &[line(0, "")]);
    write("8192/pred/niah_single_1.jsonl", &[line(0, "7316884")]);
    let score = |path: &std::path::Path| {
        let rows = score_predictions(path, None).map_err(|error| error.to_string())?.rows;
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        Ok::<_, String>((Summary::of(&rows.into_iter().map(|row| row.score).collect::<Vec<_>>()), ids))
    };
    for path in [&root, root.parent().unwrap()] {
        let (summary, ids) = score(path).unwrap();
        let tasks = serde_json::to_value(&summary.tasks).unwrap();
        let expected = serde_json::json!({
            "niah_single_1": {"4096": 50.0, "8192": 100.0}, "qa_1": {"4096": 50.0}
        });
        assert_eq!(tasks, expected);
        assert_eq!(summary.nulls["qa_1"]["4096"], "1/2");
        let expected = ["4096/niah_single_1/0", "4096/niah_single_1/1", "4096/qa_1/0", "4096/qa_1/1"];
        assert_eq!(ids[..4], expected.map(str::to_owned));
    }
    for path in ["4096", "4096/pred", "4096/pred/niah_single_1.jsonl"] {
        let (summary, _) = score(&root.join(path)).unwrap();
        assert_eq!(summary.tasks["niah_single_1"]["4096"], 50.0, "{path}");
    }
    // A file elsewhere has the task in its name, and its own lines do not say the length.
    let alone = folder.path().join("niah_single_1.jsonl");
    fs::copy(root.join("4096/pred/niah_single_1.jsonl"), &alone).unwrap();
    assert_eq!(score(&alone).unwrap().0.tasks["niah_single_1"]["all"], 50.0);

    write("4096/pred/qa_1-1.jsonl", &[own_line(0, "", &["Bath"])]);
    let error = score(&root).unwrap_err();
    assert!(error.contains("qa_1-1.jsonl: row 1, field id") && error.contains("\"4096/qa_1/0\""), "{error}");
    let error = score(&root.join("4096/data")).unwrap_err();
    assert!(
        error.ends_with("no predictions; expected <length>/pred/<task>.jsonl, or <task>.jsonl"),
        "{error}"
    );
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
    let message = score(&[r#"{"prediction": "", "answers": ["a"]}"#]).unwrap_err();
    assert!(message.ends_with("qa_2, or a file that is called so, found nothing"), "{message}");
}
