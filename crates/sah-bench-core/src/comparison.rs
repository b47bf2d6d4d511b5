//! `comparison.json`: several attentions on the same rows, side by side.

use std::path::{Path, PathBuf};

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use crate::results::{DetailedResults, FinishedRun, write_json};
use crate::{Error, TaskScore};

/// The attention with this name is the baseline, wherever it stands in the list.
pub const DENSE: &str = "dense";
const FILE: &str = "comparison.json";

/// The content of `comparison.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonFile {
    /// The benchmark.
    pub benchmark: String,
    /// The attention that the others are compared with: [`DENSE`] where there is one, else the first.
    pub baseline: String,
    /// Each attention over all tasks, in the order in which they ran.
    pub attentions: IndexMap<String, AttentionSummary>,
    /// Each task, in the benchmark's order.
    pub tasks: IndexMap<String, TaskComparison>,
}

/// One attention over all tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionSummary {
    /// The benchmark's single figure.
    pub overall_score: Option<f64>,
    /// Rows of the run.
    pub rows: usize,
    /// Rows that have no answer.
    pub rows_failed: usize,
    /// Seconds of prefill, of questions, of decoding, and their sum.
    pub seconds: Seconds<f64>,
    /// New tokens after the first of each answer, a second.
    pub decode_tokens_per_second: Option<f64>,
    /// Mean density of the attention, 1 for dense.
    pub density: Option<f64>,
    /// Mean error of the measured attention calls; `None` where none was measured.
    pub attention_error: Option<f64>,
    /// The most memory in use, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The same against the baseline; `None` for the baseline itself.
    pub against_baseline: Option<AgainstBaseline>,
}

/// One attention against the baseline. Differences are this minus the baseline, ratios this over the baseline: below
/// 1 is less time, less memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstBaseline {
    /// Difference of the overall scores.
    pub overall_score_difference: Option<f64>,
    /// Ratios of the mean seconds of an answered row.
    pub seconds_ratio: Seconds<Option<f64>>,
    /// Ratio of the tokens decoded a second; above 1 is faster.
    pub decode_tokens_per_second_ratio: Option<f64>,
    /// Ratio of the densities.
    pub density_ratio: Option<f64>,
    /// Ratio of the peaks of memory.
    pub peak_memory_ratio: Option<f64>,
}

/// A figure for each phase of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds<T> {
    /// Processing contexts.
    pub prefill: T,
    /// Processing questions, up to the first new token.
    pub question: T,
    /// Generating the tokens after the first.
    pub decode: T,
    /// The sum of the three.
    pub total: T,
}

/// One task, for each attention by name. An attention that did not run the task is not listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskComparison {
    /// The scores.
    pub scores: IndexMap<String, TaskScore>,
    /// Scores minus that of the baseline: a figure, or one for each bucket; null where there is nothing to subtract.
    pub differences: IndexMap<String, Option<ScoreDifference>>,
    /// Seconds of prefill, questions and decoding, added up.
    pub seconds: IndexMap<String, f64>,
    /// Mean density.
    pub density: IndexMap<String, Option<f64>>,
}

/// The difference of two scores of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScoreDifference {
    /// Of single figures.
    Single(f64),
    /// For each bucket; `None` where one of the two has no rows in it.
    Buckets(IndexMap<String, Option<f64>>),
}

impl ComparisonFile {
    /// Compares the results of one benchmark. One alone is its own baseline.
    ///
    /// # Errors
    ///
    /// [`Error::NothingToCompare`] where there are none.
    pub fn new(benchmark: &str, runs: &[FinishedRun]) -> Result<Self, Error> {
        let dense = runs.iter().find(|run| run.attention == DENSE);
        let baseline = dense.or(runs.first()).ok_or(Error::NothingToCompare)?;
        let attentions =
            runs.iter().map(|run| (run.attention.clone(), AttentionSummary::new(run, baseline))).collect();
        let tasks: IndexSet<&String> = runs.iter().flat_map(|run| run.metrics.task_scores.keys()).collect();
        let tasks =
            tasks.into_iter().map(|task| (task.clone(), TaskComparison::new(task, runs, baseline))).collect();
        Ok(Self { benchmark: benchmark.to_owned(), baseline: baseline.attention.clone(), attentions, tasks })
    }

    /// Writes `comparison.json` into the folder of the run and says where it is.
    pub fn write(&self, run_folder: &Path) -> Result<PathBuf, Error> {
        let path = run_folder.join(FILE);
        write_json(&path, self)?;
        Ok(path)
    }
}

impl AttentionSummary {
    fn new(run: &FinishedRun, baseline: &FinishedRun) -> Self {
        let detailed = &run.detailed;
        let is_baseline = std::ptr::eq(run, baseline);
        Self {
            overall_score: run.metrics.overall_score,
            rows: detailed.rows,
            rows_failed: detailed.rows_failed,
            seconds: Seconds::of(detailed),
            decode_tokens_per_second: detailed.total.decode.tokens_per_second,
            density: detailed.total.density,
            attention_error: run.attention_error(),
            peak_memory_bytes: detailed.measures.peak_memory_bytes,
            against_baseline: (!is_baseline).then(|| AgainstBaseline::new(run, baseline)),
        }
    }
}

impl AgainstBaseline {
    fn new(run: &FinishedRun, baseline: &FinishedRun) -> Self {
        let (ours, theirs) = (&run.detailed, &baseline.detailed);
        let of_both = |read: fn(&DetailedResults) -> Option<f64>| ratio(read(ours), read(theirs));
        Self {
            overall_score_difference: difference(run.metrics.overall_score, baseline.metrics.overall_score),
            seconds_ratio: Seconds {
                prefill: of_both(|run| per_row(run, Seconds::of(run).prefill)),
                question: of_both(|run| per_row(run, Seconds::of(run).question)),
                decode: of_both(|run| per_row(run, Seconds::of(run).decode)),
                total: of_both(|run| per_row(run, Seconds::of(run).total)),
            },
            decode_tokens_per_second_ratio: of_both(|run| run.total.decode.tokens_per_second),
            density_ratio: of_both(|run| run.total.density),
            peak_memory_ratio: of_both(|run| run.measures.peak_memory_bytes.map(|bytes| bytes as f64)),
        }
    }
}

impl Seconds<f64> {
    fn of(detailed: &DetailedResults) -> Self {
        let total = &detailed.total;
        Self {
            prefill: total.prefill.seconds,
            question: total.question.seconds,
            decode: total.decode.seconds,
            total: total.seconds,
        }
    }
}

impl TaskComparison {
    fn new(task: &str, runs: &[FinishedRun], baseline: &FinishedRun) -> Self {
        let mut comparison = Self::default();
        let theirs = baseline.metrics.task_scores.get(task);
        for run in runs {
            let name = &run.attention;
            if let Some(ours) = run.metrics.task_scores.get(task) {
                comparison.scores.insert(name.clone(), ours.clone());
                if !std::ptr::eq(run, baseline) {
                    let difference = theirs.and_then(|theirs| ScoreDifference::new(ours, theirs));
                    comparison.differences.insert(name.clone(), difference);
                }
            }
            if let Some(cost) = run.detailed.tasks.get(task) {
                comparison.seconds.insert(name.clone(), cost.total.seconds);
                comparison.density.insert(name.clone(), cost.total.density);
            }
        }
        comparison
    }
}

impl ScoreDifference {
    fn new(ours: &TaskScore, theirs: &TaskScore) -> Option<Self> {
        match (ours, theirs) {
            (TaskScore::Single(ours), TaskScore::Single(theirs)) => {
                Some(Self::Single(rounded(ours - theirs)))
            }
            (TaskScore::Buckets(ours), TaskScore::Buckets(theirs)) => {
                let of_bucket = |(bucket, score): (&String, &Option<f64>)| {
                    (bucket.clone(), difference(*score, theirs.get(bucket).copied().flatten()))
                };
                Some(Self::Buckets(ours.iter().map(of_bucket).collect()))
            }
            _ => None,
        }
    }
}

fn difference(ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    Some(rounded(ours? - theirs?))
}

/// To six decimals: scores have two, and their difference should not show the binary representation.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    Some(ours? / theirs?).filter(|ratio| ratio.is_finite())
}

/// Of an answered row: one of the two may have failed where the other did not.
fn per_row(run: &DetailedResults, seconds: f64) -> Option<f64> {
    (run.rows_answered() > 0).then(|| seconds / run.rows_answered() as f64)
}
