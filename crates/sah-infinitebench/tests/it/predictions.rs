//! Predictions that something else made.

use sah_infinitebench::{figures, score_predictions};

fn scores(text: &str) -> Result<Vec<f64>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    std::fs::write(&file, text).unwrap();
    let rows = score_predictions(&file, None)
        .map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))?;
    assert_eq!(figures(&rows).tasks.iter().map(|(_, _, rows)| rows).sum::<usize>(), rows.rows.len());
    Ok(rows.rows.into_iter().map(|row| row.score).collect())
}

#[test]
fn labels_are_the_authors_or_the_hub_s() {
    let lines = [
        r#"{"task": "passkey", "prediction": "It is 0712", "label": "0712"}"#,
        r#"{"task": "passkey", "pred": "It is 712", "answer": ["0712"]}"#,
        r#"{"task": "code_run", "prediction": "-7", "ground_truth": -7}"#,
        r#"{"task": "code_run", "prediction": "-7", "answer": ["-7"]}"#,
        r#"{"task": "math_find", "prediction": "4", "label": 4.0}"#,
        r#"{"task": "math_find", "prediction": "4.0", "label": 4}"#,
        r#"{"task": "math_calc", "prediction": "1, 2, 4", "label": [[1, 2, 3]]}"#,
        r#"{"task": "math_calc", "prediction": "9, 1, 2, 3", "label": ["1", "2", "3"], "model": "gpt4"}"#,
        r#"{"task": "longbook_choice_eng", "prediction": "a mill", "label": ["a mill", "B"]}"#,
        r#"{"task": "longbook_choice_eng", "prediction": "a mill", "answer": ["B"], "question": "Q\nA. x\nB. a mill\nC. y\nD. z"}"#,
        r#"{"task": "code_debug", "prediction": "is: f", "answer": "f", "options": ["f", "g", "h", "i"]}"#,
        r#"{"task": "longbook_qa_chn", "prediction": "三十年。", "label": ["三十", "三十年"]}"#,
        r#"{"task": "kv_retrieval", "prediction": null, "label": "a"}"#,
    ];
    let expected = [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 2.0 / 3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0];
    assert_eq!(scores(&lines.join("\n")).unwrap(), expected);
}

#[test]
fn what_is_wrong_is_named() {
    for (line, message) in [
        (
            r#"{"task": "passkey_2", "pred": "", "label": "1"}"#,
            "row 1, field task: expected one of passkey, ",
        ),
        (
            r#"{"task": "passkey", "pred": ""}"#,
            "row 1, field answer: expected a text, a number, or a list of such, found nothing",
        ),
        (r#"{"task": "passkey", "pred": "", "label": []}"#, "row 1, field label: expected a text, found []"),
        (
            r#"{"task": "code_run", "pred": "", "label": 1.5}"#,
            r#"row 1, field label: expected an integer, found ["1.5"]"#,
        ),
        (
            r#"{"task": "code_debug", "pred": "", "answer": ["A"], "question": "?"}"#,
            "row 1, field answer: expected an option or its letter",
        ),
    ] {
        let error = scores(line).unwrap_err();
        assert!(error.contains(&format!("FILE: {message}")), "{error}");
    }
}
