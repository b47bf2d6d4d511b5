//! The bundled sample.

use sah_bench_core::{Benchmark as _, NoTokenizer};
use sah_longbench_v2::LongBenchV2;

use crate::support::record;

#[test]
fn it_has_every_kind_of_question_in_both_subsets() {
    let benchmark = LongBenchV2::default();
    let samples = benchmark.load(&benchmark.subsets(), &NoTokenizer).unwrap();
    assert_eq!(samples.len(), 12);
    // Half of them ask for the answer after a reasoning, with the same question and without the text.
    let asked: Vec<_> =
        samples.iter().filter_map(|one| Some((one, benchmark.follow_up(one, "Hm.")?))).collect();
    assert_eq!(asked.len(), 6);
    for (sample, follow_up) in asked {
        assert!(sample.task == "cot" && follow_up.prompt.contains("\nHm.\n"), "{follow_up:?}");
        assert!(follow_up.prompt.starts_with(sample.question.trim_end()), "{follow_up:?}");
        assert!(!follow_up.prompt.contains(sample.context.trim()), "{follow_up:?}");
    }
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
