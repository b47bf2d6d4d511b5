//! `metrics.json` of a finished run.

use sah_bench_core::{Benchmark, NoTokenizer, Record, Sample, TaskScore, Value};
use sah_longbench::{DataSource, LongBench};
use serde_json::json;

fn record(task: &str, prediction: &str, answers: &[&str], length: i64) -> Record {
    let texts = |texts: &[&str]| Value::TextList(texts.iter().map(|&text| text.to_owned()).collect());
    let sample = Sample {
        task: task.to_owned(),
        context: String::new(),
        question: String::new(),
        answer_prefix: String::new(),
        max_new_tokens: 1,
        extra: vec![
            texts(answers),
            Value::Null,
            Value::Integer(length),
            Value::Null,
            Value::Null,
            Value::Null,
        ],
    };
    Record { predicted_answer: prediction.to_owned(), ..Record::unanswered(0, sample) }
}

fn evaluate(records: &[Record]) -> serde_json::Value {
    serde_json::to_value(LongBench::new(DataSource::Sample).evaluate(records)).unwrap()
}

#[test]
fn standard_and_extended_tasks_are_scored_and_averaged() {
    let mut failed = record("hotpotqa", "", &["Rome"], 100);
    failed.error = Some("out of memory".to_owned());
    let metrics = evaluate(&[
        record("qasper_e", "one two", &["two"], 3999),
        record("qasper_e", "two", &["two"], 8000),
        record("hotpotqa", "Paris", &["London", "Paris"], 100),
        failed,
        record("passage_count", "3 or 4 or 5", &["3"], 100),
        record("lcc_e", "x = 1", &["x = 1"], 100),
    ]);
    let expected = json!({
        "task_scores": {
            "hotpotqa": 50.0,
            "passage_count": 33.33,
            "qasper_e": {"0-4k": 66.67, "4-8k": null, "8k+": 100.0},
            "lcc_e": {"0-4k": 100.0, "4-8k": null, "8k+": null},
        },
        "overall_score": 70.0,
        "standard_overall_score": 41.66,
        "extended_overall_scores": {"0-4k": 83.34, "4-8k": null, "8k+": 100.0},
        "summary": {"total_tasks": 4, "standard_tasks": 2, "extended_tasks": 2, "total_samples": 6},
    });
    // As texts, so that the order counts: tasks stand in the benchmark's order, not in that of the rows.
    assert_eq!(metrics.to_string(), expected.to_string());
}

/// The scores of rows are what the figures are means of, each in its bucket.
#[test]
fn the_scores_of_rows_make_the_scores_of_tasks() {
    let benchmark = LongBench::default();
    let rows = [
        (record("qasper_e", "one two", &["two"], 3999), 66.67, Some("0-4k")),
        (record("qasper_e", "two", &["two"], 8000), 100.0, Some("8k+")),
        (record("passage_count", "3 or 4 or 5", &["3"], 100), 33.33, None),
        (record("hotpotqa", "", &["Rome"], 100), 0.0, None),
    ];
    for (row, value, bucket) in rows {
        let score = benchmark.score(&row.sample, &row.predicted_answer).unwrap();
        assert!((score.value - value).abs() < 0.005, "{score:?} of {row:?}");
        assert_eq!(score.bucket.as_deref(), bucket);
        let TaskScore::Single(of_task) =
            (match benchmark.evaluate(std::slice::from_ref(&row)).task_scores.pop().unwrap().1 {
                TaskScore::Buckets(buckets) => TaskScore::Single(buckets[bucket.unwrap()].unwrap()),
                single => single,
            })
        else {
            panic!("{row:?}")
        };
        assert!((of_task - value).abs() < 1e-9);
        assert_eq!(benchmark.references(&row.sample).len(), 1);
    }
    let error = benchmark.score(&record("trec", "Food", &["Food"], 100).sample, "Food").unwrap_err();
    assert!(error.to_string().contains("trec") && error.to_string().contains("all_classes"), "{error}");
}

#[test]
fn a_run_without_rows_has_no_figures() {
    let metrics = evaluate(&[]);
    assert_eq!(metrics["overall_score"], json!(null));
    assert_eq!(metrics["standard_overall_score"], json!(null));
    assert_eq!(metrics["extended_overall_scores"], json!({"0-4k": null, "4-8k": null, "8k+": null}));
}

#[test]
fn a_task_that_cannot_be_scored_says_why_and_stays_out_of_the_means() {
    let records = [
        record("trec", "Food", &["Food"], 100),
        record("hotpotqa", "Paris", &["Paris"], 100),
        record("mystery", "", &[], 0),
    ];
    let metrics = LongBench::default().evaluate(&records);
    assert_eq!(metrics.overall_score, Some(100.0));
    let TaskScore::Failed { error } = &metrics.task_scores["trec"] else { panic!("{metrics:?}") };
    assert!(error.contains("row 0, field all_classes"), "{error}");
    assert!(matches!(metrics.task_scores["mystery"], TaskScore::Failed { .. }));
}

#[test]
fn every_row_of_the_bundled_sample_can_be_scored() {
    let benchmark = LongBench::new(DataSource::Sample);
    let samples = benchmark.load(&benchmark.subsets(), &NoTokenizer).unwrap();
    let records: Vec<_> = samples
        .into_iter()
        .enumerate()
        .map(|(index, sample)| Record {
            predicted_answer: String::new(),
            ..Record::unanswered(index, sample)
        })
        .collect();
    let metrics = benchmark.evaluate(&records);
    assert_eq!(metrics.task_scores.len(), 34);
    for (task, score) in &metrics.task_scores {
        assert!(!matches!(score, TaskScore::Failed { .. }), "{task}: {score:?}");
    }
}
