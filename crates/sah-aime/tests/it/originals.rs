//! Folders of data sets without prompts.

use std::fs;

use sah_aime::Edition;
use sah_bench_core::Value;

use crate::parquet_file::{integers, load, texts, write};

#[test]
fn columns_have_several_names() {
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let problem = texts(&["Add 1 and 1."]);
    let capitals = vec![
        ("ID", texts(&["2024-I-1"])),
        ("Problem", problem.clone()),
        ("Solution", texts(&["2"])),
        ("Answer", integers(&[2])),
    ];
    write(&folders[0].path().join("aime_2024_problems.parquet"), capitals);
    let lower = vec![("id", integers(&[0])), ("problem", problem.clone()), ("answer", texts(&["002"]))];
    write(&folders[1].path().join("default/train-00000-of-00001.parquet"), lower);
    write(&folders[2].path().join("data/x.parquet"), vec![("question", problem), ("answer", integers(&[2]))]);
    fs::write(folders[3].path().join("test.jsonl"), r#"{"problem": "Add 1 and 1.", "answer": 2}"#).unwrap();
    for (folder, answer) in folders.iter().zip(["2", "002", "2", "2"]) {
        let samples = load(folder.path(), Edition::Aime2024).unwrap();
        let [sample] = &samples[..] else { panic!("{samples:?}") };
        assert_eq!(sample.context, "Add 1 and 1.");
        assert!(sample.question.contains(r"\boxed{...}") && sample.answer_prefix.is_empty());
        assert_eq!(sample.extra[0], Value::TextList(vec![answer.to_owned()]));
        assert_eq!(sample.max_new_tokens, 32_000);
    }
    let samples = load(folders[0].path(), Edition::Aime2024).unwrap();
    assert_eq!(samples[0].extra[1], Value::Text("2024-I-1".to_owned()));
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), Edition::Aime2024).unwrap_err();
    assert!(error.starts_with("DIR: no problems; expected aime2024/test-*.parquet"), "{error}");
    write(&folder.path().join("x.parquet"), vec![("task", texts(&["a"])), ("answer", texts(&["2"]))]);
    let error = load(folder.path(), Edition::Aime2024).unwrap_err();
    assert_eq!(error, "DIR/x.parquet: no column problem; there is task, answer");
    write(&folder.path().join("x.parquet"), vec![("problem", texts(&["a"])), ("answer", texts(&["two"]))]);
    let error = load(folder.path(), Edition::Aime2024).unwrap_err();
    assert_eq!(
        error,
        r#"DIR/x.parquet: row 1, field answer: expected an integer from 0 to 999, found ["two"]"#
    );
}
