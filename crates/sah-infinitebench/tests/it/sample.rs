//! The bundled sample: it stays as it is, and its rows can be scored.

use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, NoTokenizer, Record, Sample, TaskScore, samples_hash};
use sah_infinitebench::{InfiniteBench, SUBSETS, Task};

fn samples() -> Vec<Sample> {
    InfiniteBench::new(DataSource::Own, None).load(&SUBSETS, &NoTokenizer).unwrap()
}

/// Results of the sample are compared across versions.
#[test]
fn the_rows_stay_as_they_are() {
    let samples = samples();
    assert_eq!(samples.len(), 24);
    assert_eq!(samples_hash(&samples), "62f3eeac5ec86531e7637792d0eae3c88d08081cc4908984fa58c9531131e6d1");
}

#[test]
fn a_row_s_own_answer_gets_the_full_score_and_an_empty_one_none() {
    let benchmark = InfiniteBench::default();
    for sample in samples() {
        let label = benchmark.references(&sample);
        let answer = match sample.task.as_str() {
            "code_debug" => format!("{}.", label[1]),
            "longbook_choice_eng" => label[1].clone(),
            "math_calc" => label.join(", "),
            _ => label[0].clone(),
        };
        let score = |answer: &str| benchmark.score(&sample, answer).unwrap().value;
        assert_eq!((score(&answer), score("")), (1.0, 0.0), "{}: {answer}", sample.task);
    }
}

#[test]
fn tasks_add_up_to_means_and_their_mean() {
    let benchmark = InfiniteBench::default();
    let record = |(index, sample): (usize, Sample)| {
        let answer = if index % 2 == 0 { benchmark.references(&sample)[0].clone() } else { String::new() };
        Record { predicted_answer: answer, ..Record::unanswered(index, sample) }
    };
    let records: Vec<Record> = samples()
        .into_iter()
        .filter(|sample| sample.task.starts_with("longbook_qa"))
        .enumerate()
        .map(record)
        .collect();
    let metrics = benchmark.evaluate(&records);
    assert_eq!(metrics.task_scores["longbook_qa_eng"], TaskScore::Single(0.5));
    assert_eq!(metrics.overall_score, Some(0.5));
}

#[test]
fn limits_are_the_authors_plus_20_on_the_hub() {
    let task = Task::find("math_calc").unwrap();
    assert_eq!((task.authors_limit, task.max_new_tokens()), (30_000, 30_020));
    assert_eq!(InfiniteBench::default().authors_limit("passkey"), Some(6));
}
