//! Scores against those of the Python packages, from `tests/reference/metrics.py`.

use sah_longbench::{Metric, bucket_scores, task_score};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    rows: Vec<Row>,
    aggregates: Vec<Aggregate>,
}

#[derive(Deserialize)]
struct Row {
    metric: String,
    prediction: String,
    reference: String,
    classes: Option<Vec<String>>,
    score: f64,
}

#[derive(Deserialize)]
struct Aggregate {
    scores: Vec<f64>,
    standard: f64,
    extended: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../reference/metrics.json")).unwrap()
}

fn metric(name: &str) -> Metric {
    match name {
        "qa_f1" => Metric::QaF1,
        "qa_f1_zh" => Metric::QaF1Zh,
        "rouge" => Metric::Rouge,
        "rouge_zh" => Metric::RougeZh,
        "classification" => Metric::Classification,
        "retrieval" => Metric::Retrieval,
        "retrieval_zh" => Metric::RetrievalZh,
        "count" => Metric::Count,
        "code_sim" => Metric::CodeSim,
        _ => panic!("{name}"),
    }
}

#[test]
fn every_metric_gives_the_digits_of_the_python_packages() {
    let rows = golden().rows;
    assert!(rows.len() > 200);
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let score = metric(&row.metric).score(&row.prediction, &row.reference, row.classes.as_deref());
            let Row { metric, prediction, reference, score: expected, .. } = row;
            // Every bit: no tolerance.
            (score != Ok(*expected))
                .then(|| format!("{metric} {prediction:?} against {reference:?}: {expected}, not {score:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn means_round_as_python_and_numpy_round_them() {
    for Aggregate { scores, standard, extended } in golden().aggregates {
        assert_eq!(task_score(&scores), Some(standard), "{scores:?}");
        let buckets = bucket_scores(scores.iter().map(|&score| (1, score)));
        assert_eq!(buckets["0-4k"], Some(extended), "{scores:?}");
    }
}
