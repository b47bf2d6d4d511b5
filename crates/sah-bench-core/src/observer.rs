//! Progress of a run, for whoever shows it.

use std::time::Duration;

use sah_request::RequestObserver;

/// Hears about the progress of a run and of each of its requests: a progress display, a test. A method that is not implemented
/// does nothing.
pub trait RunObserver: RequestObserver {
    /// The rows of a group are about to be answered.
    fn group_started(&mut self, group: &GroupStarted<'_>) {
        let _ = group;
    }

    /// The rows of a group are answered, or failed, and are in the journal.
    fn group_finished(&mut self, group: &GroupFinished<'_>) {
        let _ = group;
    }
}

/// Ignores everything.
impl RunObserver for () {}

/// A group that is about to run.
#[derive(Clone, Copy, Debug)]
pub struct GroupStarted<'a> {
    /// Position of the group, from 0.
    pub group: usize,
    /// Groups of the run.
    pub groups: usize,
    /// Rows of this group.
    pub rows: usize,
    /// Rows that were done before.
    pub rows_done: usize,
    /// Rows of the run.
    pub rows_total: usize,
    /// The task of its first row.
    pub task: &'a str,
    /// Length of the context, in bytes.
    pub context_bytes: usize,
    /// New tokens of all its answers, at most.
    pub new_tokens_limit: usize,
}

/// A group that has run.
#[derive(Clone, Copy, Debug)]
pub struct GroupFinished<'a> {
    /// Position of the group, from 0.
    pub group: usize,
    /// Groups of the run.
    pub groups: usize,
    /// Rows of this group.
    pub rows: usize,
    /// Rows that are done, these included.
    pub rows_done: usize,
    /// Rows of the run.
    pub rows_total: usize,
    /// Rows that failed so far, these included.
    pub rows_failed: usize,
    /// The task of its first row.
    pub task: &'a str,
    /// Tokens of the context that were processed; 0 where the group failed.
    pub context_tokens: usize,
    /// New tokens of all answers.
    pub generated_tokens: usize,
    /// From the request to the response.
    pub elapsed: Duration,
    /// Why the rows have no answers.
    pub error: Option<&'a str>,
}
