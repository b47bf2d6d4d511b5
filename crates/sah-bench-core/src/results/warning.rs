//! What makes the scores of a run mean something else than they seem to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Record;

/// A warning that stands in the results of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about, for programs.
    pub kind: WarningKind,
    /// What it says, as one sentence without a full stop. Names no flag.
    pub message: String,
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// Answers are empty.
    EmptyAnswers,
    /// One that only a later version knows.
    #[serde(other)]
    Other,
}

impl Warning {
    /// A warning of this kind.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What the answers of a run give rise to.
    pub(super) fn of_records(records: &[Record]) -> Vec<Self> {
        let answered: Vec<&Record> = records.iter().filter(|record| record.stats.is_some()).collect();
        [empty_answers(&answered)].into_iter().flatten().collect()
    }

    /// Those that are known before the first request: `warnings` in a `config.json`.
    pub(super) fn of_config(config: &Value) -> Vec<Self> {
        serde_json::from_value(config["warnings"].clone()).unwrap_or_default()
    }
}

fn empty_answers(answered: &[&Record]) -> Option<Warning> {
    let empty = answered.iter().filter(|record| record.predicted_answer.trim().is_empty()).count();
    let message = || format!("{empty} of {} answers are empty", answered.len());
    (empty > 0).then(|| Warning::new(WarningKind::EmptyAnswers, message()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Warning, WarningKind};

    #[test]
    fn they_are_read_back_and_those_of_later_versions_too() {
        let config = json!({"warnings": [
            {"kind": "empty_answers", "message": "a"}, {"kind": "of_tomorrow", "message": "b"}]});
        let expected = [Warning::new(WarningKind::EmptyAnswers, "a"), Warning::new(WarningKind::Other, "b")];
        assert_eq!(Warning::of_config(&config), expected);
        assert_eq!(Warning::of_config(&json!({})), []);
    }
}
