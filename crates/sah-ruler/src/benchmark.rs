//! RULER as a benchmark.

use sah_bench_core::data::DataSource;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, FurtherFigures, Layout, Metrics, Record, RowScore, Sample,
    TaskScore, TokenCount, Units, Value,
};
use serde_json::json;

use crate::dataset;
use crate::generator::Generator;
use crate::predictions::is_empty;
use crate::summary::{OverLengths, ScoredAnswer, Summary, THRESHOLD, bucket};
use crate::tasks::{SUBSETS, Task};

/// The columns that RULER has beside those of every sample.
pub(crate) const EXTRA_COLUMNS: [Column; 3] = [
    Column { name: "answers", kind: ColumnKind::TextList },
    // In tokens, with the answer: what the row was made for.
    Column { name: "length", kind: ColumnKind::Integer },
    // What it takes of them, for generated rows.
    Column { name: "length_used", kind: ColumnKind::Integer },
];
const ANSWERS: usize = 0;
const LENGTH: usize = 1;

/// Where the rows come from.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Made for the model that reads them.
    Generated(Generator),
    /// Those of the data set on the hub, or of a folder.
    Files {
        /// Which of the two.
        source: DataSource,
        /// Which data set on the hub.
        hub_id: String,
        /// The lengths to load; all that a folder has, or [`dataset::HUB_LENGTH`] of the hub, where there is none.
        lengths: Vec<usize>,
    },
}

/// RULER.
#[derive(Clone, Debug)]
pub struct Ruler {
    rows: Rows,
}

impl Ruler {
    /// The benchmark over `rows`, which [`Benchmark::load`] makes or reads.
    #[must_use]
    pub fn new(rows: Rows) -> Self {
        Self { rows }
    }
}

/// A row with its sample's own columns filled in.
pub(crate) fn extra(answers: Vec<String>, length: Option<usize>, used: Option<usize>) -> Vec<Value> {
    let integer = |number: Option<usize>| number.map_or(Value::Null, |number| Value::Integer(number as i64));
    vec![Value::TextList(answers), integer(length), integer(used)]
}

impl Benchmark for Ruler {
    fn name(&self) -> &'static str {
        "ruler"
    }

    fn subsets(&self) -> Vec<&str> {
        SUBSETS.to_vec()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, sah_bench_core::Error> {
        let tasks: Vec<&'static Task> = subsets.iter().filter_map(|name| Task::find(name)).collect();
        let samples = match &self.rows {
            Rows::Generated(generator) => generator.samples(&tasks, tokens),
            Rows::Files { source, hub_id, lengths } => dataset::load(source, hub_id, lengths, &tasks),
        };
        Ok(samples.map_err(DataError::from)?)
    }

    /// The score of each task and length, as the official scorer rounds it; overall the mean over lengths of the means over
    /// tasks; and the figures of [`Summary`].
    fn evaluate(&self, records: &[Record]) -> Metrics {
        let rows: Vec<ScoredAnswer> = records.iter().filter_map(scored).collect();
        let summary = Summary::of(&rows);
        let buckets = |lengths: &indexmap::IndexMap<String, f64>| {
            TaskScore::Buckets(lengths.iter().map(|(length, score)| (length.clone(), Some(*score))).collect())
        };
        let task_scores = summary.tasks.iter().map(|(task, lengths)| (task.clone(), buckets(lengths)));
        let counts = [("total_samples", records.len()), ("total_tasks", summary.tasks.len())];
        let over = &summary.over_lengths;
        let further = json!({
            "length_scores": summary.lengths,
            "tasks_in_length_scores": summary.tasks_in_means,
            "weighted_mean_increasing": over.weighted_mean_increasing,
            "weighted_mean_decreasing": over.weighted_mean_decreasing,
            "effective_length": over.effective_length,
            "nulls": summary.nulls,
        });
        Metrics {
            task_scores: task_scores.collect(),
            overall_score: over.mean,
            further: further.as_object().cloned().unwrap_or_default(),
            summary: counts.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, sah_bench_core::Error> {
        let unscorable = |field: &'static str, problem: &str| sah_bench_core::Error::Unscorable {
            task: sample.task.clone(),
            field,
            problem: problem.to_owned(),
        };
        let task = Task::find(&sample.task).ok_or_else(|| unscorable("task", "no such task"))?;
        let answers = self.references(sample);
        if answers.is_empty() {
            return Err(unscorable("answers", "expected one text or more"));
        }
        Ok(RowScore {
            value: 100.0 * task.score(answer, answers),
            bucket: Some(bucket(length(sample)).into()),
        })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.get(ANSWERS).map(Value::texts).unwrap_or_default()
    }

    fn units(&self) -> Units {
        let bucket_axis = "length of prompt and answer in tokens".to_owned();
        Units { bucket_axis, layout: Layout::Across { threshold: Some(THRESHOLD) }, ..Units::default() }
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        let over: Result<OverLengths, _> = serde_json::from_value(metrics.further.clone().into());
        over.ok().and_then(|over| over.table().unless_empty()).into_iter().collect()
    }

    fn authors_limit(&self, subset: &str) -> Option<usize> {
        Task::find(subset).map(|task| task.max_new_tokens)
    }
}

fn length(sample: &Sample) -> Option<usize> {
    match sample.extra.get(LENGTH) {
        Some(Value::Integer(length)) => usize::try_from(*length).ok(),
        _ => None,
    }
}

fn scored(record: &Record) -> Option<ScoredAnswer> {
    let Record { sample, predicted_answer, .. } = record;
    let task = Task::find(&sample.task)?;
    let answers = sample.extra.get(ANSWERS).map(Value::texts).unwrap_or_default();
    Some(ScoredAnswer {
        task,
        length: length(sample),
        score: task.score(predicted_answer, answers),
        is_empty: is_empty(predicted_answer),
    })
}
