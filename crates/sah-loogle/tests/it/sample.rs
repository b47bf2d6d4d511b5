//! The bundled sample: it stays as it is, and its rows can be scored.

use sah_bench_core::{Benchmark as _, NoTokenizer, Record, Sample, TaskScore, samples_hash};
use sah_loogle::{Loogle, SUBSETS};

fn samples() -> Vec<Sample> {
    Loogle::default().load(&SUBSETS, &NoTokenizer).unwrap()
}

/// Results of the sample are compared across versions.
#[test]
fn the_rows_stay_as_they_are() {
    let samples = samples();
    assert_eq!(samples.len(), 7);
    assert_eq!(samples_hash(&samples), "3d2c1ac35495fc83c4127ba0567a25364ccd8d8b36580b88706e100972966b59");
}

#[test]
fn a_row_s_own_answer_gets_the_full_score_and_an_empty_one_none() {
    let benchmark = Loogle::default();
    for sample in samples() {
        let answer = benchmark.references(&sample)[0].clone();
        let score = |answer: &str| benchmark.score(&sample, answer).unwrap().value;
        assert!((score(&answer) - 1.0).abs() < 1e-12, "{}", sample.task);
        assert!(score("").abs() < 1e-12, "{}", sample.task);
    }
}

#[test]
fn a_cloze_adds_up_gaps() {
    let benchmark = Loogle::default();
    let cloze = samples().into_iter().filter(|sample| sample.task == "shortdep_cloze");
    let answers = ["{'<mask-0>': 'Orla', '<mask-1>': 'Bram Koss'}", "no idea"];
    let records: Vec<Record> = cloze
        .zip(answers)
        .enumerate()
        .map(|(index, (sample, answer))| Record {
            predicted_answer: answer.to_owned(),
            ..Record::unanswered(index, sample)
        })
        .collect();
    let metrics = benchmark.evaluate(&records);
    assert_eq!(metrics.task_scores["shortdep_cloze"], TaskScore::Single(0.3333));
    assert_eq!(metrics.further["scores"]["shortdep_cloze"]["partial_match"], 0.6667);
    assert_eq!(metrics.overall_score, None);
    assert!(!benchmark.is_mean("shortdep_cloze") && benchmark.is_mean("longdep_qa"));
}
