//! The trait that a benchmark implements.

use std::borrow::Cow;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Column, Error, FurtherFigures, Record, Sample, TokenCount, Units, Warning, means};

/// A benchmark: where its samples come from and how answers are scored.
pub trait Benchmark {
    /// Its name on the command line and in result files.
    fn name(&self) -> &str;

    /// All subsets, in the order in which they run.
    fn subsets(&self) -> Vec<&str>;

    /// The columns that samples have beside those of every [`Sample`].
    fn extra_columns(&self) -> &'static [Column];

    /// All samples of `subsets` (each one of [`Benchmark::subsets`]), in that order.
    ///
    /// `tokens` counts with the tokenizer of the model that will read them, for benchmarks that generate contexts of a length
    /// in tokens; others ignore it.
    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, Error>;

    /// Scores finished rows. Rows that failed count with the empty answer.
    ///
    /// Unless a benchmark adds up in another way: for each task, or each of its buckets, the mean of [`Benchmark::score`], and
    /// overall the mean of these figures.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        means::metrics(self, records)
    }

    /// What one answer is worth. A figure in [`Metrics::task_scores`] is the mean of these over the rows of its task, or of
    /// its bucket, but for rounding, and but for subsets that [`Benchmark::is_mean`] names.
    ///
    /// # Errors
    ///
    /// [`Error::Unscorable`] where the sample lacks what its metric needs.
    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error>;

    /// The answers that would be right, the best match of which counts.
    fn references<'a>(&self, sample: &'a Sample) -> &'a [String];

    /// The files beside the rows that scores are made with, such as a dictionary of synonyms.
    fn metric_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// `records` as the benchmark's leaderboard takes them, where it scores rows whose right answers nobody else has. Rows that failed
    /// have the empty answer.
    fn leaderboard(&self, _records: &[Record]) -> Option<Leaderboard> {
        None
    }

    /// What of `samples`, which it has loaded, makes their scores mean something else than they seem to.
    fn warnings(&self, _samples: &[Sample]) -> Vec<Warning> {
        Vec::new()
    }

    /// Whether the figure of `subset` is the mean of [`Benchmark::score`] over its rows. Where it is made of them in another way,
    /// such as a geometric mean of means, reports give it without an interval, and differences are those of the rows' scores.
    fn is_mean(&self, _subset: &str) -> bool {
        true
    }

    /// The score of a right answer of `subset`, where an answer is right or else worth nothing; `None` where there is something in
    /// between. Of such answers reports say how often one of several is right, too.
    fn right_score(&self, _subset: &str) -> Option<f64> {
        None
    }

    /// What is asked about `sample` after the model wrote `first`: that was its reasoning then, and what it answers now is its
    /// answer. `None` where `first` is the answer.
    fn follow_up(&self, _sample: &Sample, _first: &str) -> Option<FollowUp> {
        None
    }

    /// What its figures and its buckets mean, and how they are laid out, for tables and figures.
    fn units(&self) -> Units {
        Units::default()
    }

    /// The tables that stand beside the scores: what of [`Metrics::further`] is to be shown, on the terminal and in reports. They are
    /// made of `metrics.json`, so that they are there for finished runs.
    fn further(&self, _metrics: &Metrics) -> Vec<FurtherFigures> {
        Vec::new()
    }

    /// The limit on new tokens that the benchmark's authors give the rows of `subset`, whatever that of the data is; `None` where
    /// they give none.
    fn authors_limit(&self, _subset: &str) -> Option<usize> {
        None
    }

    /// Whether the benchmark's authors give the prompts of `subset` as plain text, where they use chat templates at all.
    fn is_plain(&self, _subset: &str) -> bool {
        false
    }
}

/// Answers for a leaderboard: a table, to be written as CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaderboard {
    /// The names of the columns.
    pub header: Vec<&'static str>,
    /// A row for each answer.
    pub rows: Vec<Vec<String>>,
}

/// A second question about a sample, in a request of its own: it has no context but what it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// The whole prompt.
    pub prompt: String,
    /// At most this many new tokens.
    pub max_new_tokens: usize,
}

/// The score of one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RowScore {
    /// In the units of the task's score.
    pub value: f64,
    /// The bucket of the task that the row belongs to; `None` where the task has one figure.
    pub bucket: Option<Cow<'static, str>>,
}

/// What a benchmark puts into `metrics.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The score of each task, in the benchmark's order.
    pub task_scores: IndexMap<String, TaskScore>,
    /// The benchmark's single figure; `None` where there is nothing to average.
    pub overall_score: Option<f64>,
    /// The benchmark's further figures, each a key of `metrics.json`.
    #[serde(flatten)]
    pub further: serde_json::Map<String, serde_json::Value>,
    /// Counts: `total_samples`, `total_tasks` and the benchmark's own.
    pub summary: IndexMap<String, u64>,
}

/// The score of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskScore {
    /// One figure.
    Single(f64),
    /// Scoring failed.
    Failed {
        /// Why.
        error: String,
    },
    /// A figure for each bucket of the task, `None` where the bucket has no rows.
    Buckets(IndexMap<String, Option<f64>>),
}
