//! RULER's 13 tasks: what each asks, how long answers may be, how they are scored.

use sah_metrics::{python, string_match_all, string_match_part};

/// One of the tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name in data sets and results.
    pub name: &'static str,
    /// What it measures.
    pub group: Group,
    /// At most this many new tokens.
    pub max_new_tokens: usize,
}

/// What a task measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Values that stand at keys, in a haystack.
    Retrieval,
    /// A chain of assignments.
    Tracing,
    /// The words that occur most.
    Aggregation,
    /// Questions over documents, of which one has the answer.
    Questions,
}

const fn task(name: &'static str, group: Group, max_new_tokens: usize) -> Task {
    Task { name, group, max_new_tokens }
}

/// All tasks, in RULER's order.
pub const TASKS: [Task; 13] = [
    task("niah_single_1", Group::Retrieval, 128),
    task("niah_single_2", Group::Retrieval, 128),
    task("niah_single_3", Group::Retrieval, 128),
    task("niah_multikey_1", Group::Retrieval, 128),
    task("niah_multikey_2", Group::Retrieval, 128),
    task("niah_multikey_3", Group::Retrieval, 128),
    task("niah_multivalue", Group::Retrieval, 128),
    task("niah_multiquery", Group::Retrieval, 128),
    task("vt", Group::Tracing, 30),
    task("cwe", Group::Aggregation, 120),
    task("fwe", Group::Aggregation, 50),
    task("qa_1", Group::Questions, 32),
    task("qa_2", Group::Questions, 32),
];

/// The names of [`TASKS`].
pub const SUBSETS: [&str; 13] = {
    let mut names = [""; 13];
    let mut i = 0;
    while i < names.len() {
        names[i] = TASKS[i].name;
        i += 1;
    }
    names
};

impl Task {
    /// The task of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        TASKS.iter().find(|task| task.name == name)
    }

    /// What an answer is worth, from 0 to 1: the share of `references` that it contains, or for questions over documents whether
    /// it contains any.
    #[must_use]
    pub fn score<S: AsRef<str>>(&self, answer: &str, references: &[S]) -> f64 {
        match self.group {
            Group::Questions => string_match_part(answer, references),
            Group::Retrieval | Group::Tracing | Group::Aggregation => string_match_all(answer, references),
        }
    }
}

/// `round(sum(scores) / len(scores) * 100, 2)`: the official score of a task at a length, of the scores of its rows. `None` without
/// rows.
#[must_use]
pub fn task_score(scores: &[f64]) -> Option<f64> {
    // Not `sum()`, which may start from -0.0 or add in another order.
    let total = scores.iter().fold(0.0, |total, score| total + score);
    (!scores.is_empty()).then(|| python::round(total / scores.len() as f64 * 100.0, 2))
}
