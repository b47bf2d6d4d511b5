//! The bundled sample: it stays as it is, and its rows can be scored.

use sah_bench_core::{Benchmark as _, NoTokenizer, Record, Sample, TaskScore, samples_hash};
use sah_zeroscrolls::{SUBSETS, ZeroScrolls};

fn samples() -> Vec<Sample> {
    ZeroScrolls::default().load(&SUBSETS, &NoTokenizer).unwrap()
}

fn record((index, (sample, answer)): (usize, (Sample, String))) -> Record {
    Record { predicted_answer: answer, ..Record::unanswered(index, sample) }
}

/// Results of the sample are compared across versions.
#[test]
fn the_rows_stay_as_they_are() {
    let samples = samples();
    assert_eq!(samples.iter().map(|sample| sample.task.as_str()).collect::<Vec<_>>(), SUBSETS);
    assert_eq!(samples_hash(&samples), "141d068c2be9c6e6d5ad5945a025a763e1242e3d829c8f9cab24b3a9f41f16ab");
}

#[test]
fn a_row_s_own_answer_gets_the_full_score_and_an_empty_one_none() {
    let benchmark = ZeroScrolls::default();
    for sample in samples() {
        let answer = benchmark.references(&sample)[0].clone();
        let score = |answer: &str| benchmark.score(&sample, answer).unwrap().value;
        assert!((score(&answer) - 100.0).abs() < 1e-9, "{}: {}", sample.task, score(&answer));
        assert!(score("") < 1e-9, "{}", sample.task);
    }
}

#[test]
fn a_figure_of_summaries_is_no_mean_of_rows() {
    let benchmark = ZeroScrolls::default();
    let sample = samples().remove(0);
    let answers = [
        "The locks leak.",
        "The locks leak.\nRepairs cost 40,000 crowns, and the town should begin in spring.",
    ];
    let rows: Vec<_> = answers.iter().map(|answer| (sample.clone(), (*answer).to_owned())).collect();
    let mean =
        rows.iter().map(|(row, answer)| benchmark.score(row, answer).unwrap().value).sum::<f64>() / 2.0;
    let metrics = benchmark.evaluate(&rows.into_iter().enumerate().map(record).collect::<Vec<_>>());
    let TaskScore::Single(figure) = metrics.task_scores["gov_report"] else { panic!("{metrics:?}") };
    assert!((figure - mean).abs() > 0.1 && !benchmark.is_mean("gov_report") && benchmark.is_mean("qasper"));
    let rouge = &metrics.further["rouge"]["gov_report"];
    let product: f64 =
        ["rouge1", "rouge2", "rougeL"].iter().map(|name| rouge[*name].as_f64().unwrap()).product();
    assert!((figure - product.powf(1.0 / 3.0)).abs() < 1e-3);
    assert_eq!(metrics.overall_score, Some(figure));
}

#[test]
fn rows_without_answers_are_said_to_be_unscored() {
    let benchmark = ZeroScrolls::default();
    let mut sample = samples().remove(3);
    sample.extra[0] = sah_bench_core::Value::TextList(Vec::new());
    let metrics = benchmark.evaluate(&[record((0, (sample, "x".to_owned())))]);
    let TaskScore::Failed { error } = &metrics.task_scores["qasper"] else { panic!("{metrics:?}") };
    assert!(error.contains("the validation split has some"), "{error}");
    assert_eq!(metrics.overall_score, None);
}
