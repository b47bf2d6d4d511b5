//! A process that calls the command line and goes on afterwards, such as that of a Python notebook.

use std::fmt::Debug;
use std::path::Path;

use sah_request::{NewToken, RequestResponse};

/// Told how far a run is that [`App::call`](crate::App::call) does, and asked whether it is to go on.
pub trait Caller: Debug {
    /// A run begins, or goes on, whose results are in `folder`.
    fn begins(&self, folder: &Path) {
        let _ = folder;
    }

    /// A step of a run is done: at least one for each new token. `true` asks the run to end, once the context at work is
    /// answered.
    fn hear(&self, progress: &Progress<'_>) -> bool;
}

/// How far one attention of a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The attention, with the model before it in a run of several.
    pub attention: &'a str,
    /// What is done.
    pub step: Step<'a>,
}

/// A step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The rows of a context are about to be answered; `rows_done` of `rows_total` are done.
    Begins {
        /// The task of the rows.
        task: &'a str,
        /// Rows that are done.
        rows_done: usize,
        /// All rows.
        rows_total: usize,
    },
    /// Tokens of the context that are read.
    Reads {
        /// How many.
        tokens: usize,
        /// Of how many.
        of: usize,
    },
    /// New tokens of all answers about the context.
    Answers {
        /// How many.
        tokens: usize,
    },
    /// The rows of a context are answered, or failed; `rows_done` of `rows_total` are done.
    Ends {
        /// The task of the rows.
        task: &'a str,
        /// Rows that are done.
        rows_done: usize,
        /// All rows.
        rows_total: usize,
        /// Why the rows have no answer, where they have none.
        error: Option<&'a str>,
    },
    /// Anything else that a run says.
    Other,
}

/// Hears what a request is answered, one attention after another.
pub trait AnswerListener {
    /// A new token with this attention.
    fn token(&mut self, attention: &str, token: NewToken<'_>);

    /// All answers with this attention.
    fn answered(&mut self, attention: &str, response: RequestResponse);
}
