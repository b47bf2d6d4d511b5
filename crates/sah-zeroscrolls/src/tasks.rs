//! The tasks of ZeroSCROLLS as data.

/// A task of ZeroSCROLLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its name: `gov_report`.
    pub name: &'static str,
    /// How an answer is compared with a reference.
    pub metric: Metric,
    /// The authors' limit on new tokens, which is that of the data.
    pub max_new_tokens: usize,
}

/// How an answer is compared with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The geometric mean of ROUGE-1, -2 and -L.
    Rouge,
    /// F1 over words in ASCII.
    F1,
    /// The right letter.
    Accuracy,
    /// Nearness of percentages.
    Similarity,
    /// The share of pairs in the right order.
    Concordance,
}

impl Metric {
    /// What the official scorer calls its figure.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rouge => "geometric_mean",
            Self::F1 => "f1",
            Self::Accuracy => "accuracy",
            Self::Similarity => "exp_similarity",
            Self::Concordance => "concordance_index",
        }
    }
}

impl Task {
    /// The task called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Task> {
        TASKS.iter().find(|task| task.name == name)
    }
}

const fn task(name: &'static str, metric: Metric, max_new_tokens: usize) -> Task {
    Task { name, metric, max_new_tokens }
}

/// All tasks, in the paper's order.
pub static TASKS: [Task; 10] = [
    task("gov_report", Metric::Rouge, 1024),
    task("summ_screen_fd", Metric::Rouge, 512),
    task("qmsum", Metric::Rouge, 512),
    task("qasper", Metric::F1, 128),
    task("narrative_qa", Metric::F1, 64),
    task("quality", Metric::Accuracy, 10),
    task("musique", Metric::F1, 32),
    task("squality", Metric::Rouge, 512),
    task("space_digest", Metric::Similarity, 36),
    task("book_sum_sort", Metric::Concordance, 256),
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
