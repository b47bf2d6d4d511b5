//! Scoring predictions that were made elsewhere.

use std::path::Path;

use indexmap::IndexMap;
use sah_bench_core::Repeats;
use sah_bench_core::data::{ReadError, ScoredRows, score_repeated_predictions};
use sah_request::ThoughtsInAnswers;

use crate::benchmark::{RIGHT, is_letter, is_right};
use crate::category::known;
use crate::{Accuracy, Difficulty, Length};

/// What came of a file of predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionScores {
    /// Of each row whether it is right, 1 or 0.
    pub rows: ScoredRows<u8>,
    /// Of each task that the file has, in the order in which they appear; rows without one are under `all`.
    pub accuracy: IndexMap<String, Accuracy>,
    /// What several predictions for each question say; `None` where each has one.
    pub repeats: Option<Repeats>,
}

/// Scores the predictions in `file`, JSON Lines with `prediction`, `answer` (a letter), `difficulty`, `length` and, where there is
/// one, `task`. The authors' result files can be scored, too: there the answer is called `response`, and `pred` is only a letter.
///
/// # Errors
///
/// A file that cannot be read or has no rows, and the first field that is wrong, by row.
pub fn score_predictions(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<PredictionScores, ReadError> {
    let mut accuracy: IndexMap<String, Accuracy> = IndexMap::new();
    let rows = score_repeated_predictions(file, thoughts, |prediction| {
        let row = &prediction.row;
        let letter = row.text("answer")?;
        known(row, "answer", "a letter, A to D", |text| is_letter(text).then_some(()))?;
        let difficulty = known(row, "difficulty", "easy or hard", Difficulty::find)?;
        let length = known(row, "length", "short, medium or long", Length::find)?;
        let is_right = is_right(&prediction.text, letter);
        let task = prediction.task.clone().unwrap_or_else(|| "all".to_owned());
        accuracy.entry(task).or_default().add(difficulty, length, is_right);
        Ok::<_, ReadError>(u8::from(is_right))
    })?;
    let repeats = Repeats::of_predictions(&rows, Some(RIGHT), |is_right| RIGHT * f64::from(*is_right));
    Ok(PredictionScores { rows, accuracy, repeats })
}
