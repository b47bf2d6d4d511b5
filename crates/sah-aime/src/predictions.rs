//! Scoring predictions that were made elsewhere.

use std::path::Path;

use sah_bench_core::data::{ReadError, ScoredRows, score_repeated_predictions};
use sah_bench_core::{Repeats, Value};
use sah_request::ThoughtsInAnswers;

use crate::{Rates, Verdict, answer};

/// What came of a file of predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionScores {
    /// Of each row.
    pub rows: ScoredRows<Verdict>,
    /// Of all rows.
    pub rates: Rates,
    /// What several predictions for each problem say; `None` where each has one.
    pub repeats: Option<Repeats>,
}

/// Scores the predictions in `file`, JSON Lines with `prediction` and `answer`, a number or a text. Several with the same `id` are
/// answers to the same problem.
///
/// # Errors
///
/// A file that cannot be read or has no rows, and the first field that is wrong, by row.
pub fn score_predictions(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<PredictionScores, ReadError> {
    let rows = score_repeated_predictions(file, thoughts, |prediction| {
        let row = &prediction.row;
        let text = match row.value("answer")? {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::TextList(texts) if texts.len() == 1 => texts.concat(),
            other => return Err(row.wrong("answer", answer::EXPECTED, format!("{:?}", other.texts()))),
        };
        let reference = answer::reference(&text)
            .ok_or_else(|| row.wrong("answer", answer::EXPECTED, format!("{text:?}")))?;
        Ok(Verdict::new(&prediction.text, reference))
    })?;
    let verdicts: Vec<Verdict> = rows.rows.iter().map(|row| row.score).collect();
    let rates = Rates::of(&verdicts).ok_or_else(|| ReadError::NoRows { file: file.to_owned() })?;
    let repeats = Repeats::of_predictions(&rows, Some(1.0), |verdict| verdict.score());
    Ok(PredictionScores { rows, rates, repeats })
}
