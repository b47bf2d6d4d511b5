//! Scoring predictions that were made elsewhere.

use std::path::Path;

use sah_bench_core::data::{ReadError, ScoredRows, score_predictions as score_rows};
use sah_metrics::Rouge;
use sah_request::ThoughtsInAnswers;
use serde_json::Value;

use crate::figures;

/// What came of a file of predictions: ROUGE-1, ROUGE-2 and ROUGE-L of each row, as kvpress gives them; `None` for an empty answer.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionScores {
    /// Of each row.
    pub rows: ScoredRows<Option<[Rouge; 3]>>,
}

impl PredictionScores {
    /// The figures of a row with kvpress's names; null for an empty answer.
    #[must_use]
    pub fn json(rouge: &Option<[Rouge; 3]>) -> Value {
        rouge.as_ref().map_or(Value::Null, figures::to_json)
    }

    /// The mean F of ROUGE-1, ROUGE-2 and ROUGE-L, with their names; an empty answer counts as 0.
    #[must_use]
    pub fn means(&self) -> [(&'static str, f64); 3] {
        let all = &self.rows.rows;
        let mean = |n: usize| {
            all.iter().map(|row| row.score.map_or(0.0, |rouge| rouge[n].f)).sum::<f64>() / all.len() as f64
        };
        [0, 1, 2].map(|n| (figures::NAMES[n], mean(n)))
    }
}

/// Scores the predictions in `file`, JSON Lines with `prediction` and `needle`.
///
/// # Errors
///
/// A file that cannot be read or has no rows, and the first field that is wrong, by row.
pub fn score_predictions(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<PredictionScores, ReadError> {
    let rows = score_rows(file, thoughts, |prediction| {
        Ok::<_, ReadError>(figures::rouge(&prediction.text, prediction.row.text("needle")?))
    })?;
    Ok(PredictionScores { rows })
}
