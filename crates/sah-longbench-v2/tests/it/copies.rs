//! Folders in the layout of the hub's data set.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use sah_bench_core::Value;

use crate::support::{line, load};

#[test]
fn a_parquet_file_is_read_as_the_hub_has_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cot")).unwrap();
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let columns = [
        ("_id", text("x1")),
        ("domain", text("Single-Document QA")),
        ("difficulty", text("hard")),
        ("length", text("medium")),
        ("question", text("Why?\n")),
        ("choice_A", text("left out")),
        ("answer", text("C")),
        ("context", text("Text.\n")),
        ("answer_prefix", text("So:")),
        ("task", text("cot")),
        ("max_new_tokens", Arc::new(Int64Array::from(vec![1044])) as ArrayRef),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(folder.path().join("cot/test-00000-of-00001.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let samples = load(folder.path(), None, &["cot"]).unwrap();
    let [sample] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!((&*sample.task, sample.max_new_tokens), ("cot", 1044));
    assert_eq!((&*sample.context, &*sample.question, &*sample.answer_prefix), ("Text.\n", "Why?\n", "So:"));
    let text = |text: &str| Value::Text(text.to_owned());
    let answers = Value::TextList(vec!["C".to_owned()]);
    let domain = text("Single-Document QA");
    assert_eq!(sample.extra, [answers, text("hard"), text("medium"), domain, Value::Null, text("x1")]);
    let error = load(folder.path(), None, &["0shot"]).unwrap_err();
    assert!(error.contains("no data for 0shot") && error.contains("there is cot"), "{error}");
}

#[test]
fn a_row_that_cannot_be_scored_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = line("B", "easy", "short");
    for (row, message) in [
        (line("E", "easy", "short"), r#"field answer: expected a letter, A to D, found ["E"]"#),
        (line("", "easy", "short"), "field answer: expected a letter, A to D, found []"),
        (line("B", "so-so", "short"), r#"field difficulty: expected easy or hard, found "so-so""#),
        (line("B", "easy", "32k"), r#"field length: expected short, medium or long, found "32k""#),
    ] {
        fs::write(folder.path().join("0shot.jsonl"), format!("{good}\n{row}\n")).unwrap();
        let error = load(folder.path(), None, &["0shot"]).unwrap_err();
        assert_eq!(error, format!("DIR/0shot.jsonl: row 2, {message}"));
    }
}

#[test]
fn prompts_are_for_the_authors_data() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0shot.jsonl"), line("B", "easy", "short").to_string()).unwrap();
    let error = load(folder.path(), Some(folder.path()), &["0shot"]).unwrap_err();
    assert_eq!(error, "DIR: no row needs a prompt: only the authors' data.json does");
}
