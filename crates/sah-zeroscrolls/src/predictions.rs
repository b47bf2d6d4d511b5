//! Scoring predictions that something else made.

use std::path::Path;

use indexmap::IndexMap;
use sah_bench_core::data::{ReadError, ScoredRows, score_predictions as score_rows};
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, Value};

use crate::benchmark::{mean, rouge_means};
use crate::scores::letter;
use crate::{Metric, SUBSETS, Score, TASKS, Task};

/// Scores the predictions in `file`, JSON Lines with `task`, `prediction` and `answers` (or `outputs`), a list of texts, or
/// `answer` (or `output`), one text.
///
/// # Errors
///
/// Those of [`sah_bench_core::data::score_predictions`], and rows without an answer to compare with.
pub fn score_predictions(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<ScoredRows<Score>, ReadError> {
    score_rows(file, thoughts, |prediction| {
        let row = &prediction.row;
        let name = prediction.task()?;
        let unknown = || row.wrong("task", &format!("one of {}", SUBSETS.join(", ")), format!("{name:?}"));
        let task = Task::find(name).ok_or_else(unknown)?;
        let single = ["answer", "output"].into_iter().find(|field| row.has(field));
        let (field, references) = match single {
            Some(field) => (field, vec![row.text(field)?.to_owned()]),
            None if row.has("outputs") => ("outputs", row.texts("outputs")?),
            None => ("answers", row.texts("answers")?),
        };
        if references.is_empty() {
            return Err(row.wrong(field, "at least one text", "none".to_owned()));
        }
        if task.metric == Metric::Accuracy && references.iter().any(|reference| letter(reference).is_none()) {
            return Err(row.wrong(field, "letters A to D", format!("{references:?}")));
        }
        Ok(task.score(&prediction.text, &references))
    })
}

/// The figures of scored predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Of each task with rows, in the order of [`TASKS`]: its figure and its rows.
    pub tasks: IndexMap<&'static str, (f64, usize)>,
    /// Of each task of summaries the means of ROUGE.
    pub rouge: Map<String, Value>,
    /// The mean of the tasks.
    pub overall: Option<f64>,
}

/// [`Task::figure`] of each task, and their mean.
#[must_use]
pub fn figures(rows: &ScoredRows<Score>) -> Figures {
    let mut tasks = IndexMap::new();
    let mut rouge = Map::new();
    for task in &TASKS {
        let scores =
            rows.rows.iter().filter(|row| row.task.as_deref() == Some(task.name)).map(|row| row.score);
        let scores: Vec<Score> = scores.collect();
        tasks.extend(task.figure(&scores).map(|figure| (task.name, (figure, scores.len()))));
        rouge.extend(rouge_means(task, &scores));
    }
    let overall = mean(&tasks.values().map(|(figure, _)| *figure).collect::<Vec<_>>());
    Figures { tasks, rouge, overall }
}
