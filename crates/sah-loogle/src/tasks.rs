//! The tasks of LooGLE as data.

/// A task of LooGLE, a config of its data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The config's name: `shortdep_qa`.
    pub name: &'static str,
    /// Whether gaps of a text are to be filled; else an answer is compared with a text.
    pub is_cloze: bool,
    /// The authors' limit on new tokens, which is that of the data.
    pub max_new_tokens: usize,
}

impl Task {
    /// The task called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Task> {
        TASKS.iter().find(|task| task.name == name)
    }
}

/// All tasks.
pub static TASKS: [Task; 4] = [
    Task { name: "shortdep_qa", is_cloze: false, max_new_tokens: 300 },
    Task { name: "longdep_qa", is_cloze: false, max_new_tokens: 500 },
    Task { name: "shortdep_cloze", is_cloze: true, max_new_tokens: 50 },
    Task { name: "longdep_summarization", is_cloze: false, max_new_tokens: 500 },
];

/// The names of [`TASKS`], in that order.
pub static SUBSETS: [&str; TASKS.len()] = {
    let mut names = [""; TASKS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = TASKS[i].name;
        i += 1;
    }
    names
};
