//! The figures of a run.

use std::fs;

use sah_bench_core::{Benchmark as _, TaskScore, Value};
use sah_longbench_v2::LongBenchV2;
use serde_json::json;

use crate::support::{line, load, record};

#[test]
fn rows_without_an_answer_count_and_kinds_without_rows_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        line("B", "easy", "short"),
        line("A", "easy", "short"),
        line("C", "hard", "short"),
        line("D", "hard", "long"),
    ];
    let text: Vec<String> = rows.iter().map(serde_json::Value::to_string).collect();
    fs::write(folder.path().join("0shot.jsonl"), text.join("\n")).unwrap();
    let samples = load(folder.path(), None, &["0shot"]).unwrap();
    let answers = ["The correct answer is (B)", "", "C", "The correct answer is **D**."];
    let records = samples.into_iter().zip(answers).enumerate();
    let mut records: Vec<_> =
        records.map(|(index, (sample, answer))| record(index, sample, answer)).collect();
    let metrics = LongBenchV2::default().evaluate(&records);
    assert_eq!(metrics.task_scores["0shot"], TaskScore::Single(50.0));
    assert_eq!(metrics.overall_score, Some(50.0));
    let figures =
        json!({"overall": 50.0, "easy": 50.0, "hard": 50.0, "short": 33.3, "medium": null, "long": 100.0});
    assert_eq!(metrics.further["accuracy"], json!({"0shot": figures}));
    assert_eq!((metrics.summary["total_samples"], metrics.summary["total_tasks"]), (4, 1));

    records[2].sample.extra[1] = Value::Null;
    let metrics = LongBenchV2::default().evaluate(&records);
    let TaskScore::Failed { error } = &metrics.task_scores["0shot"] else { panic!("{metrics:?}") };
    assert_eq!(error, "row 2: a row of 0shot cannot be scored: field difficulty: expected easy or hard");
    assert_eq!(metrics.overall_score, None);
}
