//! What the label of each task must be.

use super::math::Number;
use crate::Metric;
use sah_metrics::python;

/// A label that is not what its task's rule needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct LabelError {
    /// What it should be.
    pub expected: &'static str,
    /// What it is.
    pub found: Vec<String>,
}

/// Whether answers can be scored with this label.
pub(crate) fn check(metric: Metric, label: &[String]) -> Result<(), LabelError> {
    let (fits, expected) = match metric {
        Metric::FirstDigits | Metric::Word | Metric::Name => {
            (label.first().is_some_and(|text| !text.is_empty()), "a text")
        }
        Metric::LastInteger => (matches!(label, [text] if python::int(text).is_some()), "an integer"),
        Metric::FirstNumber => (matches!(label, [text] if Number::read(text).is_some()), "a number"),
        Metric::Prefix => {
            (!label.is_empty() && label.iter().all(|text| python::int(text).is_some()), "a list of integers")
        }
        Metric::CodeOption | Metric::BookOption => (
            matches!(label, [text, letter] if !text.is_empty() && matches!(letter.as_str(), "A" | "B" | "C" | "D")),
            "the text of the right option and its letter",
        ),
        Metric::WordF1 | Metric::CharacterF1 | Metric::RougeLsum => (!label.is_empty(), "at least one text"),
    };
    // Thousands of intermediate results say no more than the first.
    let found = || label.iter().take(4).cloned().collect();
    if fits { Ok(()) } else { Err(LabelError { expected, found: found() }) }
}
