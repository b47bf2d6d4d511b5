//! LongBench as a benchmark.

use std::path::PathBuf;

use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, FurtherFigures, Metrics, Record, RowScore, Sample, Scale,
    TokenCount, Units, Value,
};

use crate::evaluate::Unscorable;
use crate::{SUBSETS, Task, bucket, dataset, evaluate};

/// The data set on the hub.
pub const HUB_ID: &str = "Xnhyacinth/LongBench";

/// The columns that LongBench has beside those of every sample.
pub(crate) const EXTRA_COLUMNS: [Column; 6] = [
    Column { name: "answers", kind: ColumnKind::TextList },
    Column { name: "all_classes", kind: ColumnKind::TextList },
    Column { name: "length", kind: ColumnKind::Integer },
    Column { name: "dataset", kind: ColumnKind::Text },
    Column { name: "language", kind: ColumnKind::Text },
    Column { name: "_id", kind: ColumnKind::Text },
];

/// Positions in [`EXTRA_COLUMNS`].
pub(crate) const ANSWERS: usize = 0;
pub(crate) const ALL_CLASSES: usize = 1;
pub(crate) const LENGTH: usize = 2;

/// Where the samples come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DataSource {
    /// The bundled sample: a demonstration written by this project, not LongBench.
    #[default]
    Sample,
    /// A folder with the layout of the hub data set, or with the files of the LongBench authors.
    Directory {
        /// The folder: it holds `<config>/test-*.parquet` or `<config>.jsonl`.
        path: PathBuf,
        /// The authors' `dataset2prompt.json`, for rows that are not split into context, question and answer prefix.
        prompts: Option<PathBuf>,
    },
    /// The data set [`HUB_ID`] on the Hugging Face hub, or the cache's copy of it.
    Hub,
}

/// LongBench and LongBench-E with the samples of a [`DataSource`].
#[derive(Clone, Debug, Default)]
pub struct LongBench {
    source: DataSource,
}

impl LongBench {
    /// The benchmark over samples from `source`, which [`Benchmark::load`] reads.
    #[must_use]
    pub fn new(source: DataSource) -> Self {
        Self { source }
    }
}

impl Benchmark for LongBench {
    fn name(&self) -> &'static str {
        "longbench"
    }

    fn subsets(&self) -> Vec<&str> {
        SUBSETS.to_vec()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, sah_bench_core::Error> {
        Ok(dataset::load(&self.source, subsets).map_err(DataError::from)?)
    }

    fn evaluate(&self, records: &[Record]) -> Metrics {
        evaluate::evaluate(records)
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, sah_bench_core::Error> {
        let (score, length) = evaluate::score_answer(sample, answer).map_err(|error| {
            let Unscorable { field, problem } = error;
            sah_bench_core::Error::Unscorable { task: sample.task.clone(), field, problem }
        })?;
        let is_extended = Task::find(&sample.task).is_some_and(Task::is_extended);
        Ok(RowScore { value: 100.0 * score, bucket: is_extended.then(|| bucket(length).into()) })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.get(ANSWERS).map(Value::texts).unwrap_or_default()
    }

    fn units(&self) -> Units {
        let bucket_axis = "length of the context in words, as the data set counts them".to_owned();
        Units { bucket_axis, ..Units::default() }
    }

    /// Where there are tasks of both kinds, what each kind scores by itself.
    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        let stored = |key: &str| metrics.further.get(key);
        let standard = stored("standard_overall_score").and_then(serde_json::Value::as_f64);
        let extended =
            FurtherFigures::new("", "", Scale::Hundred).with_stored(stored("extended_overall_scores"));
        let (Some(standard), Some(extended)) = (standard, extended.unless_empty()) else { return Vec::new() };
        let title = "Means over the standard tasks, and in each length bucket over those of LongBench-E";
        let table =
            FurtherFigures::new("overall_scores", title, Scale::Hundred).with("standard", Some(standard));
        let table = extended
            .figures
            .iter()
            .fold(table, |table, figure| table.with(&format!("LongBench-E {}", figure.name), figure.value));
        vec![table]
    }

    fn authors_limit(&self, subset: &str) -> Option<usize> {
        Task::find(subset).map(Task::authors_limit)
    }

    fn is_plain(&self, subset: &str) -> bool {
        Task::find(subset).is_some_and(|task| !task.chat_template)
    }
}
