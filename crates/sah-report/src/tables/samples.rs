//! The samples to which two sides gave different answers, all of them, as CSV.

use super::csv::{guarded, write};
use crate::Analysis;

/// A line for each comparison and sample: the one whose scores differ most first. Contexts are in `raw_results.csv`, at
/// the rows named here.
#[must_use]
pub fn samples_csv(analysis: &Analysis<'_>) -> String {
    let header = [
        "base",
        "other",
        "task",
        "base row",
        "other row",
        "base score",
        "other score",
        "question",
        "references",
        "base answer",
        "other answer",
    ];
    let digits = analysis.units.score.digits();
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for comparison in &analysis.comparisons {
        let label = |side: usize| guarded(&analysis.labels[side]).into_owned();
        for pair in comparison.answers_that_differ(&analysis.sides) {
            let (base, other) = (pair.base, pair.other);
            rows.push(vec![
                label(comparison.base),
                label(comparison.other),
                guarded(&base.group.to_string()).into_owned(),
                base.index.to_string(),
                other.index.to_string(),
                format!("{:.digits$}", base.score),
                format!("{:.digits$}", other.score),
                guarded(&base.question).into_owned(),
                serde_json::Value::from(base.references.as_slice()).to_string(),
                guarded(&base.answer).into_owned(),
                guarded(&other.answer).into_owned(),
            ]);
        }
    }
    write(rows.into_iter())
}
