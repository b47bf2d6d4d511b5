//! The figures of a run of the bundled sample.

use sah_aime::{Aime, Edition};
use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, NoTokenizer, Record, TaskScore};
use serde_json::json;

#[test]
fn answers_are_right_boxed_and_extracted() {
    let benchmark = Aime::new(Edition::Aime2025, DataSource::Own);
    let samples = benchmark.load(&benchmark.subsets(), &NoTokenizer).unwrap();
    assert_eq!(samples.len(), 4);
    let answers = [r"\boxed{045}", "12 + 12 = 24", r"\boxed{-165}", ""];
    let record = |(index, (sample, answer)): (usize, (sah_bench_core::Sample, &str))| Record {
        predicted_answer: answer.to_owned(),
        ..Record::unanswered(index, sample)
    };
    let mut records: Vec<Record> = samples.into_iter().zip(answers).enumerate().map(record).collect();
    let metrics = benchmark.evaluate(&records);
    assert_eq!(metrics.task_scores["aime2025"], TaskScore::Single(0.5));
    assert_eq!(metrics.overall_score, Some(0.5));
    assert_eq!(serde_json::Value::Object(metrics.further), json!({"boxed_rate": 0.5, "extracted_rate": 0.5}));
    assert_eq!(benchmark.units().score, sah_bench_core::Scale::One);

    records[1].sample.extra.clear();
    let metrics = benchmark.evaluate(&records);
    let TaskScore::Failed { error } = &metrics.task_scores["aime2025"] else { panic!("{metrics:?}") };
    assert!(error.contains("field answers: expected an integer from 0 to 999"), "{error}");
    assert_eq!(metrics.overall_score, None);
}
