//! Samples from folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sah_bench_core::{Benchmark, NoTokenizer, Sample, Value};
use sah_longbench::{DataSource, LongBench, SUBSETS};

use super::parquet_file::{self, two_rows};

pub(crate) fn load(
    folder: &Path,
    prompts: Option<&Path>,
    subsets: &[&str],
) -> Result<Vec<Sample>, sah_bench_core::Error> {
    let source = DataSource::Directory { path: folder.to_owned(), prompts: prompts.map(PathBuf::from) };
    let subsets: Vec<_> = SUBSETS.iter().copied().filter(|name| subsets.contains(name)).collect();
    LongBench::new(source).load(&subsets, &NoTokenizer)
}

fn texts(texts: &[&str]) -> Value {
    Value::TextList(texts.iter().map(|&text| text.to_owned()).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The samples that [`two_rows`] holds.
fn two_samples(task: &str) -> [Sample; 2] {
    [
        Sample {
            task: task.to_owned(),
            context: "a context".to_owned(),
            question: "why?".to_owned(),
            answer_prefix: "Answer:".to_owned(),
            max_new_tokens: 148,
            extra: vec![
                texts(&["one", "two"]),
                Value::Null,
                Value::Integer(5000),
                text("qasper"),
                text("en"),
                text("x1"),
            ],
        },
        Sample {
            task: task.to_owned(),
            context: "another".to_owned(),
            question: String::new(),
            answer_prefix: "Because".to_owned(),
            max_new_tokens: 8,
            extra: vec![texts(&[]), Value::Null, Value::Integer(7), text("qasper"), Value::Null, text("x2")],
        },
    ]
}

#[test]
fn parquet_files_of_all_configs_asked_for_are_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for file in [
        "qasper/test-00000-of-00002.parquet",
        "qasper/test-00001-of-00002.parquet",
        "qasper_e/test-00000-of-00001.parquet",
        "musique/test-00000-of-00001.parquet",
    ] {
        parquet_file::write(&folder.path().join(file), two_rows());
    }
    fs::write(folder.path().join("qasper/train-00000-of-00001.parquet"), "not read").unwrap();
    let samples = load(folder.path(), None, &["qasper_e", "qasper"]).unwrap();
    let expected = [two_samples("qasper"), two_samples("qasper"), two_samples("qasper_e")];
    assert_eq!(samples, expected.concat());
}

#[test]
fn json_lines_with_the_columns_of_the_hub_need_no_prompts() {
    let folder = tempfile::tempdir().unwrap();
    let rows = concat!(
        r#"{"context": "a context", "question": "why?", "answer_prefix": "Answer:", "answers": ["one", "two"], "#,
        r#""length": 5000, "dataset": "qasper", "language": "en", "all_classes": null, "_id": "x1", "#,
        r#""max_new_tokens": 148, "task": "qasper"}"#,
        "\n\n",
        r#"{"context": "another", "question": "", "answer_prefix": "Because", "answers": [], "length": 7, "#,
        r#""dataset": "qasper", "_id": "x2", "max_new_tokens": 8}"#,
        "\n",
    );
    fs::write(folder.path().join("qasper_e.jsonl"), rows).unwrap();
    assert_eq!(load(folder.path(), None, &["qasper_e"]).unwrap(), two_samples("qasper_e"));
}

#[test]
fn rows_with_an_input_get_their_question_from_the_template() {
    let folder = tempfile::tempdir().unwrap();
    let prompts = folder.path().join("dataset2prompt.json");
    let templates =
        r#"{"qasper": "Read.\n{context}\n\nQuestion: {input}\n\nAnswer:", "lcc": "no placeholder"}"#;
    fs::write(&prompts, templates).unwrap();
    let row = concat!(
        r#"{"context": "A {b}.", "input": "Why {input}?", "answers": ["c"], "length": 3, "dataset": "qasper", "#,
        r#""language": "en", "all_classes": null, "_id": "y"}"#,
    );
    for task in ["qasper", "qasper_e"] {
        fs::write(folder.path().join(format!("{task}.jsonl")), row).unwrap();
        let samples = load(folder.path(), Some(&prompts), &[task]).unwrap();
        let [sample] = samples.as_slice() else { panic!("{samples:?}") };
        assert_eq!(sample.task, task);
        assert_eq!(sample.context, "Read.\nA {b}.");
        assert_eq!(sample.question, "\n\nQuestion: Why {input}?\n\n");
        assert_eq!(sample.answer_prefix, "Answer:");
        assert_eq!(sample.max_new_tokens, 148);
        assert_eq!(sample.extra[0], texts(&["c"]));
    }
}
