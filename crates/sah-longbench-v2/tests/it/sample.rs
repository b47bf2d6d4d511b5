//! The bundled sample.

use sah_bench_core::{Benchmark as _, NoTokenizer};
use sah_longbench_v2::LongBenchV2;

use crate::support::record;

#[test]
fn it_has_every_kind_of_question_in_both_subsets() {
    let benchmark = LongBenchV2::default();
    let samples = benchmark.load(&benchmark.subsets(), &NoTokenizer).unwrap();
    assert_eq!(samples.len(), 12);
    let right = |sample: &sah_bench_core::Sample| {
        format!("The correct answer is ({})", benchmark.references(sample)[0])
    };
    let records: Vec<_> = samples
        .into_iter()
        .enumerate()
        .map(|(index, sample)| {
            let answer = right(&sample);
            record(index, sample, &answer)
        })
        .collect();
    let metrics = benchmark.evaluate(&records);
    assert_eq!(metrics.overall_score, Some(100.0));
    let all = serde_json::json!({
        "overall": 100.0, "easy": 100.0, "hard": 100.0, "short": 100.0, "medium": 100.0, "long": 100.0,
    });
    assert_eq!(metrics.further["accuracy"], serde_json::json!({"0shot": all, "cot": all}));
}
