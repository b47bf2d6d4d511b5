//! Folders in the layouts of the hub's copies.

use std::fs;

use arrow::array::ArrayRef;
use sah_aime::Edition;
use sah_bench_core::Value;

use crate::parquet_file::{integers, lists, load, texts, write};

fn columns(answer: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("context", texts(&["Add 1 and 1."])),
        ("question", texts(&["What is it?"])),
        ("answer_prefix", texts(&[""])),
        ("answer", answer),
        ("max_new_tokens", integers(&[32_000])),
    ]
}

#[test]
fn answers_are_texts_or_lists_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = "test-00000-of-00001.parquet";
    let mut of_2024 = columns(texts(&["002"]));
    of_2024.push(("id", texts(&["2024-I-1"])));
    write(&folder.path().join("aime2024").join(file), of_2024);
    write(&folder.path().join("aime2025").join(file), columns(lists(&["2"])));
    let answers = |text: &str| Value::TextList(vec![text.to_owned()]);
    let samples = load(folder.path(), Edition::Aime2024).unwrap();
    assert_eq!(samples[0].extra, [answers("002"), Value::Text("2024-I-1".to_owned())]);
    let samples = load(folder.path(), Edition::Aime2025).unwrap();
    assert_eq!(samples[0].extra, [answers("2"), Value::Null]);
    assert_eq!((&*samples[0].task, &*samples[0].context), ("aime2025", "Add 1 and 1."));
    assert_eq!((&*samples[0].question, samples[0].max_new_tokens), ("What is it?", 32_000));
}

#[test]
fn a_copy_may_have_no_config() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("data/test-00000-of-00001.parquet"), columns(texts(&["2"])));
    assert_eq!(load(folder.path(), Edition::Aime2025).unwrap().len(), 1);
}

#[test]
fn an_answer_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let line = |answer: &str| {
        format!(
            r#"{{"context": "c", "question": "q", "answer_prefix": "", "max_new_tokens": 9, "answer": {answer}}}"#
        )
    };
    for (answer, found) in [("\"1000\"", r#"["1000"]"#), ("\"\"", "[]"), (r#"["1", "2"]"#, r#"["1", "2"]"#)] {
        let text = [line("\"1\""), line(answer)].join("\n");
        fs::write(folder.path().join("aime2025.jsonl"), text).unwrap();
        let error = load(folder.path(), Edition::Aime2025).unwrap_err();
        let message = "DIR/aime2025.jsonl: row 2, field answer: expected an integer from 0 to 999, found ";
        assert_eq!(error, format!("{message}{found}"));
    }
}
