//! AIME as a benchmark.

use sah_bench_core::data::DataSource;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, Error, FurtherFigures, Metrics, Record, RowScore, Sample,
    Scale, TaskScore, TokenCount, Units, Value,
};
use serde_json::json;

use crate::{Edition, Rates, Verdict, answer, dataset};

/// The columns that its rows have beside those of every sample.
pub(crate) const EXTRA_COLUMNS: [Column; 2] =
    [Column { name: "answers", kind: ColumnKind::TextList }, Column { name: "id", kind: ColumnKind::Text }];

/// An [`Edition`] with the samples of a [`DataSource`]; its own are a bundled sample, a demonstration.
#[derive(Clone, Debug)]
pub struct Aime {
    edition: Edition,
    source: DataSource,
}

impl Aime {
    /// The benchmark over samples from `source`, which [`Benchmark::load`] reads.
    #[must_use]
    pub fn new(edition: Edition, source: DataSource) -> Self {
        Self { edition, source }
    }

    fn verdict(&self, sample: &Sample, answer: &str) -> Result<Verdict, Error> {
        let wrong =
            |problem: String| Error::Unscorable { task: sample.task.clone(), field: "answers", problem };
        let [reference] = self.references(sample) else {
            return Err(wrong(format!("expected {}", answer::EXPECTED)));
        };
        let number = answer::reference(reference)
            .ok_or_else(|| wrong(format!("expected {}, found {reference:?}", answer::EXPECTED)))?;
        Ok(Verdict::new(answer, number))
    }
}

impl Benchmark for Aime {
    fn name(&self) -> &'static str {
        self.edition.name()
    }

    fn subsets(&self) -> Vec<&str> {
        vec![self.edition.name()]
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, _: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        Ok(dataset::load(&self.source, self.edition).map_err(DataError::from)?)
    }

    /// The share of right answers, and beside it `boxed_rate` and `extracted_rate`.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        let verdicts: Result<Vec<Verdict>, Error> =
            records.iter().map(|record| self.verdict(&record.sample, &record.predicted_answer)).collect();
        let rates = verdicts.map(|verdicts| Rates::of(&verdicts));
        let score = match &rates {
            Ok(rates) => rates.map(|rates| TaskScore::Single(rates.accuracy)),
            Err(error) => Some(TaskScore::Failed { error: error.to_string() }),
        };
        let rates = rates.ok().flatten();
        let further =
            rates.map(|rates| [("boxed_rate", rates.boxed_rate), ("extracted_rate", rates.extracted_rate)]);
        let further = further.into_iter().flatten().map(|(name, rate)| (name.to_owned(), json!(rate)));
        let task_scores: indexmap::IndexMap<String, TaskScore> =
            score.map(|score| (self.edition.name().to_owned(), score)).into_iter().collect();
        let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
        Metrics {
            task_scores,
            overall_score: rates.map(|rates| rates.accuracy),
            further: further.collect(),
            summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        Ok(RowScore { value: self.verdict(sample, answer)?.score(), bucket: None })
    }

    fn right_score(&self, _: &str) -> Option<f64> {
        Some(1.0)
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }

    fn units(&self) -> Units {
        Units { score: Scale::One, ..Units::default() }
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        let rate = |name: &str| metrics.further.get(name).and_then(serde_json::Value::as_f64);
        let title = "Shares of answers with a box, and of those in which an integer was found";
        let rates = ["boxed_rate", "extracted_rate"].into_iter();
        let table = rates.fold(FurtherFigures::new("rates", title, Scale::One), |table, name| {
            table.with(name, rate(name))
        });
        table.unless_empty().into_iter().collect()
    }
}
