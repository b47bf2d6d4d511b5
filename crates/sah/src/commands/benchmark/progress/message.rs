//! What a cell tells while it goes on.

use sah_bench_core::Warning;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What a cell tells while it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(in super::super) enum Message {
    /// The rows of a context are about to be answered.
    Started {
        task: String,
        /// Rows of the part that were done before.
        rows_done: usize,
        rows_total: usize,
        /// New tokens of all its answers.
        at_most: usize,
    },
    /// So much of the context is read.
    Read { tokens: usize, of: usize },
    /// So many tokens of answers are generated.
    Generated { tokens: usize },
    /// The rows of a context are answered, or failed, and in the journal.
    Finished {
        task: String,
        /// Rows about this context.
        rows: usize,
        rows_done: usize,
        rows_total: usize,
        context_tokens: usize,
        generated_tokens: usize,
        seconds: f64,
        error: Option<String>,
    },
    /// Something makes the scores of the cell mean something else than they seem to.
    Warned(Warning),
    /// The cell cannot go on.
    Failed(Failure),
}

/// A message on its way between processes.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct FromWorker {
    /// The place of the part among those of the model.
    pub(in super::super) cell: usize,
    #[serde(flatten)]
    pub(in super::super) message: Message,
}

#[cfg(test)]
mod tests {
    use sah_bench_core::{Warning, WarningKind};

    use super::{FromWorker, Message};
    use crate::failure::{Failure, FailureKind};

    #[test]
    fn a_message_survives_its_way() {
        let failure = Failure { kind: FailureKind::Network, message: "a\nb".to_owned() };
        let warning = Warning::new(WarningKind::EmptyAnswers, "all");
        let messages =
            [Message::Read { tokens: 1, of: 2 }, Message::Warned(warning), Message::Failed(failure)];
        for message in messages {
            let line = serde_json::to_string(&FromWorker { cell: 3, message: message.clone() }).unwrap();
            assert!(!line.contains('\n'), "{line}");
            let read: FromWorker = serde_json::from_str(&line).unwrap();
            assert_eq!((read.cell, read.message), (3, message));
        }
    }
}
