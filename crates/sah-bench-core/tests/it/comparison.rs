//! Dense beside sparse.

use sah_bench_core::{ComparisonFile, Error, FinishedRun, TaskScore, read_json};
use sah_request::Request;

use crate::support::{ScriptedModel, finished, right_answers, sample};

/// A run of four rows; the model is `slower` times slower, sees `density`, and is wrong about `wrong`.
fn run(directory: &std::path::Path, attention: &str, slower: f64, density: f64, wrong: &str) -> FinishedRun {
    let model = ScriptedModel::new(|request: &Request| {
        let mut response = right_answers(request);
        for (answer, question) in response.answers.iter_mut().zip(&request.questions) {
            answer.stats.decode_seconds *= slower;
            answer.stats.density = Some(density);
            if wrong.contains(&question.text) {
                answer.text.clear();
            }
        }
        Ok(response)
    });
    let samples = vec![
        sample("qa", "one", "a"),
        sample("qa", "two", "b"),
        sample("trec", "one", "c"),
        sample("trec", "three", "d"),
    ];
    finished(directory, attention, samples, &model)
}

#[test]
fn dense_is_the_baseline_wherever_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    let mut sparse = run(directory.path(), "streaming_llm", 0.5, 0.25, "ab");
    sparse.detailed.measures.peak_memory_bytes = Some(3 << 28);
    let dense = run(directory.path(), "dense", 1.0, 1.0, "d");
    let comparison = ComparisonFile::new("tiny", &[sparse, dense]).unwrap();
    assert_eq!(comparison.baseline, "dense");
    assert_eq!(comparison.attentions.keys().collect::<Vec<_>>(), ["streaming_llm", "dense"]);
    assert!(comparison.attentions["dense"].against_baseline.is_none());

    let against = comparison.attentions["streaming_llm"].against_baseline.clone().unwrap();
    assert_eq!(against.seconds_ratio.decode, Some(0.5));
    assert_eq!(against.seconds_ratio.prefill, Some(1.0));
    // 3 contexts of 1.5 s, 4 questions of 0.25 s, 4 answers of 0.5 s or half of it.
    assert_eq!(against.seconds_ratio.total, Some(6.5 / 7.5));
    assert_eq!(against.decode_tokens_per_second_ratio, Some(2.0));
    assert_eq!(against.density_ratio, Some(0.25));
    assert_eq!(against.peak_memory_ratio, Some(0.75));

    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["tasks"]["qa"]["scores"], serde_json::json!({"streaming_llm": 0.0, "dense": 100.0}));
    assert_eq!(json["tasks"]["qa"]["differences"], serde_json::json!({"streaming_llm": -100.0}));
    assert_eq!(json["tasks"]["trec"]["differences"], serde_json::json!({"streaming_llm": 50.0}));

    let path = comparison.write(&directory.path().join("run")).unwrap();
    assert_eq!(path, directory.path().join("run/comparison.json"));
    assert_eq!(read_json::<ComparisonFile>(&path).unwrap(), comparison);
}

#[test]
fn without_dense_the_first_is_the_baseline() {
    let directory = tempfile::tempdir().unwrap();
    let runs = [run(directory.path(), "b", 1.0, 0.5, ""), run(directory.path(), "a", 1.0, 0.5, "")];
    assert_eq!(ComparisonFile::new("tiny", &runs).unwrap().baseline, "b");
    let alone = ComparisonFile::new("tiny", &runs[1..]).unwrap();
    assert_eq!(alone.baseline, "a");
    assert!(alone.attentions["a"].against_baseline.is_none());
    assert!(matches!(ComparisonFile::new("tiny", &[]), Err(Error::NothingToCompare)));
}

#[test]
fn buckets_are_subtracted_one_by_one_and_failures_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let buckets = |values: [(&str, Option<f64>); 3]| {
        TaskScore::Buckets(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let mut dense = run(directory.path(), "dense", 1.0, 1.0, "");
    let mut sparse = run(directory.path(), "sparse", 1.0, 1.0, "");
    let extended = "qa_e".to_owned();
    dense
        .metrics
        .task_scores
        .insert(extended.clone(), buckets([("0-4k", Some(10.3)), ("4-8k", None), ("8k+", Some(1.0))]));
    sparse
        .metrics
        .task_scores
        .insert(extended, buckets([("0-4k", Some(10.1)), ("4-8k", Some(2.0)), ("8k+", None)]));
    sparse.metrics.task_scores["trec"] = TaskScore::Failed { error: "no rows".to_owned() };
    let json = serde_json::to_value(ComparisonFile::new("tiny", &[dense, sparse]).unwrap()).unwrap();
    assert_eq!(
        json["tasks"]["qa_e"]["differences"]["sparse"],
        serde_json::json!({"0-4k": -0.2, "4-8k": null, "8k+": null})
    );
    assert_eq!(json["tasks"]["trec"]["differences"]["sparse"], serde_json::Value::Null);
    assert_eq!(json["tasks"]["trec"]["scores"]["sparse"]["error"], "no rows");
}
