//! Scoring predictions that were made elsewhere.

use std::path::Path;

use sah_bench_core::data::{self, Prediction, ReadError, ScoredRows};
use sah_request::ThoughtsInAnswers;

use crate::summary::ScoredAnswer;
use crate::tasks::{SUBSETS, Task};

/// Scores the predictions in `file`, JSON Lines with `prediction`, `task`, the references as `answers` (or RULER's `outputs`, or the
/// hub's `answer`), and where it is known the `length` the row was made for.
///
/// # Errors
///
/// Those of [`data::score_predictions`]; a task that RULER does not have, and a row without references.
pub fn score_predictions(
    file: &Path,
    thoughts: ThoughtsInAnswers,
) -> Result<ScoredRows<ScoredAnswer>, ReadError> {
    data::score_predictions(file, thoughts, score)
}

fn score(prediction: &Prediction<'_>) -> Result<ScoredAnswer, ReadError> {
    let row = &prediction.row;
    let name = prediction.task()?;
    let task = Task::find(name);
    let task = task.ok_or_else(|| row.wrong("task", &expected_task(), format!("the text {name:?}")))?;
    let field = ["answers", "outputs", "answer"].into_iter().find(|field| row.has(field));
    let field = field.unwrap_or("answers");
    let references = row.texts(field)?;
    if references.is_empty() {
        return Err(row.wrong(field, "one text or more", "an empty list".to_owned()));
    }
    let length = if row.has("length") { Some(row.tokens("length")?) } else { None };
    Ok(ScoredAnswer {
        task,
        length,
        score: task.score(&prediction.text, &references),
        is_empty: is_empty(&prediction.text),
    })
}

pub(crate) fn expected_task() -> String {
    format!("one of {}", SUBSETS.join(", "))
}

/// Whether an answer counts among the official `nulls`: nothing but white space and control characters.
pub(crate) fn is_empty(answer: &str) -> bool {
    answer.chars().all(|c| c <= '\u{1f}' || c.is_whitespace())
}
