//! Scoring predictions that something else made.

use std::path::Path;

use sah_bench_core::data::{Prediction, ReadError, ScoredRows, score_predictions as score_rows};
use sah_metrics::WordNet;
use sah_request::ThoughtsInAnswers;
use serde_json::Value;

use crate::dataset::{gaps, gaps_of_object};
use crate::scores::{Figures, Score, by_task, cloze_scores, figures, text_scores};
use crate::{SUBSETS, Task};

/// Scores the predictions in `file`, JSON Lines with `task`, `prediction` and `answer`: a text, of a cloze an object from gaps to texts or
/// the text of one. Beside the scores of rows the figures of each task, METEOR among them where there is a `wordnet`.
///
/// # Errors
///
/// Those of [`sah_bench_core::data::score_predictions`], and an answer of another type.
pub fn score_predictions(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
    wordnet: Option<&WordNet>,
) -> Result<(ScoredRows<Score>, Vec<ScoredTask>), ReadError> {
    let rows = score_rows(file, thoughts, |prediction| score(prediction, wordnet))?;
    let scored = |(task, scores): (&'static Task, Vec<Score>)| {
        Some(ScoredTask { task, figures: figures(task, &scores)?, rows: scores.len() })
    };
    let tasks = by_task(&rows).into_iter().filter_map(scored).collect();
    Ok((rows, tasks))
}

/// What came of the predictions of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredTask {
    /// The task.
    pub task: &'static Task,
    /// Its figures.
    pub figures: Figures,
    /// How many rows they are made of.
    pub rows: usize,
}

fn score(prediction: &Prediction<'_>, wordnet: Option<&WordNet>) -> Result<Score, ReadError> {
    let row = &prediction.row;
    let name = prediction.task()?;
    let unknown = || row.wrong("task", &format!("one of {}", SUBSETS.join(", ")), format!("{name:?}"));
    let task = Task::find(name).ok_or_else(unknown)?;
    if !task.is_cloze {
        return Ok(Score::Text(text_scores(&prediction.text, row.text("answer")?, wordnet)));
    }
    let gaps = match row.json("answer") {
        Some(Value::Object(object)) => gaps_of_object(object),
        Some(Value::String(text)) => gaps(text),
        _ => None,
    };
    let found = || row.json("answer").unwrap_or(&Value::Null).to_string();
    let gaps = gaps.ok_or_else(|| row.wrong("answer", "an object from gaps to texts", found()))?;
    Ok(Score::Cloze(cloze_scores(&prediction.text, &gaps)))
}
