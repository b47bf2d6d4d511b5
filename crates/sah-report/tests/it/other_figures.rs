//! Figures that are not the means of their rows.

use sah_bench_core::{
    Benchmark, Column, Error, Metrics, Record, RowScore, Sample, TokenCount, read_json, write_json,
};
use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Group, Run};

use crate::support::{Letters, bench, model, samples};

/// As [`Letters`], but the figure of `qa` is made in another way.
struct Geometric;

impl Benchmark for Geometric {
    fn name(&self) -> &str {
        Letters.name()
    }

    fn subsets(&self) -> Vec<&str> {
        vec!["qa", "trec_e"]
    }

    fn extra_columns(&self) -> &'static [Column] {
        Letters.extra_columns()
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        Letters.load(subsets, tokens)
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        Letters.evaluate(records)
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        Letters.score(sample, answer)
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        Letters.references(sample)
    }

    fn is_mean(&self, subset: &str) -> bool {
        subset != "qa"
    }
}

#[test]
fn they_are_shown_as_they_are_and_without_an_interval() {
    let results = tempfile::tempdir().unwrap();
    let run = bench(results.path(), "run", &[("dense", model(5, 1.0))], &samples("qa", 20));
    let path = run.join("dense/metrics.json");
    let mut metrics: serde_json::Value = read_json(&path).unwrap();
    metrics["task_scores"]["qa"] = serde_json::json!(37.5);
    metrics["overall_score"] = serde_json::json!(37.5);
    write_json(&path, &metrics).unwrap();
    assert!(Run::read(&run, &Letters).is_err());
    let runs = [Run::read(&run, &Geometric).unwrap()];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    let qa = &analysis.scores[0].groups[&Group { task: "qa".to_owned(), bucket: None }];
    assert_eq!((qa.value.to_bits(), qa.interval.is_none(), qa.rows), (37.5_f64.to_bits(), true, 20));
    let overall = analysis.scores[0].overall.unwrap();
    assert_eq!((overall.value.to_bits(), overall.interval.is_none()), (37.5_f64.to_bits(), true));
}
