//! Scoring predictions that something else made.

use std::path::Path;

use indexmap::IndexMap;
use sah_bench_core::data::{ScoredRows, score_predictions as score_rows};
use sah_metrics::WordNet;
use sah_request::ThoughtsInAnswers;

use crate::dataset::{answers_field, references};
use crate::{Error, Metric};

/// What rows without a task have as one.
const NO_TASK: &str = "all";

/// Scores the predictions in `file`, JSON Lines with `prediction` and `answers` (or `answer`), and `task` where there is one, from 0 to 100.
///
/// # Errors
///
/// Those of [`sah_bench_core::data::score_predictions`], rows without an answer that `metric` can compare with, and a metric that needs a
/// `wordnet` where there is none.
pub fn score_predictions(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
    metric: Metric,
    wordnet: Option<&WordNet>,
) -> Result<ScoredRows<f64>, Error> {
    score_rows(file, thoughts, |prediction| {
        let row = &prediction.row;
        let references = references(row, answers_field(row), metric)?;
        metric.score(&prediction.text, &references, wordnet).ok_or(Error::NoWordNet { metric: metric.name() })
    })
}

/// The figures of scored predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Of each task, in the order in which they appear: the mean of its rows, and how many there are. Rows without a task are those of
    /// the task `all`.
    pub tasks: IndexMap<String, (f64, usize)>,
    /// The mean of the tasks.
    pub overall: f64,
}

/// The mean of each task, and their mean.
#[must_use]
pub fn figures(rows: &ScoredRows<f64>) -> Figures {
    let mut tasks: IndexMap<String, (f64, usize)> = IndexMap::new();
    for row in &rows.rows {
        let task = row.task.clone().unwrap_or_else(|| NO_TASK.to_owned());
        let (sum, count) = tasks.entry(task).or_default();
        *sum += row.score;
        *count += 1;
    }
    for (sum, count) in tasks.values_mut() {
        *sum /= *count as f64;
    }
    let overall = tasks.values().map(|(mean, _)| mean).sum::<f64>() / tasks.len() as f64;
    Figures { tasks, overall }
}
