//! What is wrong with data is named by file, row and field.

use std::{fs, path::Path};

use super::{
    dataset::load,
    parquet_file::{self, integers, lists, texts, two_rows, with},
};

/// The message of the error that loading `task` gives, with `folder` shortened to `DIR`.
fn message(folder: &Path, prompts: Option<&Path>, task: &str) -> String {
    let error = load(folder, prompts, &[task]).unwrap_err();
    error.to_string().replace(&folder.display().to_string(), "DIR")
}

#[test]
fn faulty_parquet_columns_are_named() {
    let without = |name: &str| {
        let mut columns = two_rows();
        columns.retain(|(column, _)| *column != name);
        columns
    };
    for (columns, expected) in [
        (
            without("answers"),
            "no column answers; there is context, question, answer_prefix, length, dataset, language, all_classes, \
             _id, task, max_new_tokens",
        ),
        (
            with(two_rows(), "answers", texts(&[Some("one"), Some("two")])),
            "column answers: expected a list of texts, found Utf8",
        ),
        (
            with(two_rows(), "length", texts(&[Some("5000"), None])),
            "column length: expected an integer, found Utf8",
        ),
        (with(two_rows(), "_id", integers(&[Some(1), Some(2)])), "column _id: expected a text, found Int64"),
        (
            with(two_rows(), "context", texts(&[Some("a"), None])),
            "row 2, field context: expected a text, found nothing",
        ),
        (
            with(two_rows(), "answers", lists(&[None, Some(&[])])),
            "row 1, field answers: expected a list of texts, found nothing",
        ),
        (
            with(two_rows(), "answers", lists(&[Some(&[]), Some(&[Some("a"), None])])),
            "row 2, field answers: expected a list of texts, found a list with nothing at a place",
        ),
        (
            with(two_rows(), "max_new_tokens", integers(&[Some(-1), Some(1)])),
            "row 1, field max_new_tokens: expected a number of tokens, found the number -1",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        parquet_file::write(&folder.path().join("qasper/test-00000-of-00001.parquet"), columns);
        let expected = format!("DIR/qasper/test-00000-of-00001.parquet: {expected}");
        assert_eq!(message(folder.path(), None, "qasper"), expected);
    }
}

#[test]
fn rows_that_their_metric_cannot_score_are_found_on_loading() {
    let folder = tempfile::tempdir().unwrap();
    for task in ["trec", "passage_retrieval_en"] {
        parquet_file::write(&folder.path().join(format!("{task}/test-0.parquet")), two_rows());
    }
    assert_eq!(
        message(folder.path(), None, "trec"),
        "DIR/trec/test-0.parquet: row 1, field all_classes: expected all_classes, a list of texts, found null"
    );
    assert_eq!(
        message(folder.path(), None, "passage_retrieval_en"),
        "DIR/passage_retrieval_en/test-0.parquet: row 1, field answers: expected answers such as \"Paragraph 12\", \
         found \"one\""
    );
}

#[test]
fn a_damaged_parquet_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qasper/test-0.parquet");
    parquet_file::write(&file, two_rows());
    let mut bytes = fs::read(&file).unwrap();
    bytes.truncate(bytes.len() / 2);
    for bytes in [bytes, Vec::new(), b"PAR1".to_vec()] {
        fs::write(&file, bytes).unwrap();
        let message = message(folder.path(), None, "qasper");
        assert!(message.starts_with("DIR/qasper/test-0.parquet: not a readable parquet file: "), "{message}");
    }
}

#[test]
fn missing_folders_configs_and_shards_are_named() {
    let folder = tempfile::tempdir().unwrap();
    parquet_file::write(&folder.path().join("lcc/test-00001-of-00003.parquet"), two_rows());
    parquet_file::write(&folder.path().join("qmsum/test-0.parquet"), two_rows());
    fs::write(folder.path().join("trec_e.jsonl"), "{}").unwrap();
    fs::write(folder.path().join("unknown.jsonl"), "{}").unwrap();
    assert_eq!(
        message(folder.path(), None, "qasper"),
        "DIR: no data for qasper, neither qasper/test-*.parquet nor qasper.jsonl; there is qmsum, trec_e"
    );
    assert_eq!(
        message(folder.path(), None, "lcc"),
        "DIR/lcc: expected 3 files test-*.parquet, as their names say, found 1"
    );
    assert_eq!(
        message(&folder.path().join("none"), None, "qasper"),
        "DIR: no such folder; give the folder that holds <config>/test-*.parquet or <config>.jsonl"
    );
}

#[test]
fn faulty_lines_are_named() {
    let hub = r#""context": "c", "question": "q", "answer_prefix": "", "answers": ["a"], "length": 1"#;
    let input = r#""context": "c", "input": "i", "answers": ["a"], "length": 1"#;
    for (line, expected) in [
        (format!("{{{hub}}}"), "row 2, field max_new_tokens: expected an integer, found nothing"),
        (
            format!("{{{hub}, \"max_new_tokens\": -2}}"),
            "row 2, field max_new_tokens: expected a number of tokens, found the number -2",
        ),
        (
            format!("{{{input}}}"),
            "row 2 has no prompt of its own; the authors' prompt templates are needed, LongBench's \
             dataset2prompt.json",
        ),
        (
            "[]".to_owned(),
            "line 2: expected a JSON object: invalid type: sequence, expected a map at column 0",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("qasper.jsonl"), format!("\n{line}")).unwrap();
        assert_eq!(message(folder.path(), None, "qasper"), format!("DIR/qasper.jsonl: {expected}"));
    }
}

#[test]
fn faulty_prompts_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let row = r#"{"context": "c", "input": "i", "answers": ["a"], "length": 1}"#;
    for task in ["qasper", "lcc", "qmsum"] {
        fs::write(folder.path().join(format!("{task}.jsonl")), row).unwrap();
    }
    let prompts = folder.path().join("prompts.json");
    fs::write(&prompts, r#"{"qasper": "{input}", "lcc": "{context}{question}"}"#).unwrap();
    for (task, problem) in [
        ("qasper", "there is no {context} in it"),
        ("lcc", "expected {context} or {input}, found {question}"),
        ("qmsum", "there is none"),
    ] {
        let expected = format!("DIR/prompts.json: template of {task}: {problem}");
        assert_eq!(message(folder.path(), Some(&prompts), task), expected);
    }
    fs::write(&prompts, r#"{"qasper": 1}"#).unwrap();
    let message = message(folder.path(), Some(&prompts), "qasper");
    assert!(message.starts_with("DIR/prompts.json: expected a JSON object of texts"), "{message}");
}
