//! The tasks of InfiniteBench as data.

/// A task of InfiniteBench, a config of its data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The config's name: `longbook_qa_eng`.
    pub name: &'static str,
    /// What the paper's tables call it: `En.QA`.
    pub label: &'static str,
    /// How an answer is compared with the right one.
    pub metric: Metric,
    /// The authors' limit on new tokens.
    pub authors_limit: usize,
}

/// How an answer is compared with the right one, see the function of this name in the crate's `metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The first number, as its digits stand there.
    FirstDigits,
    /// The right word is one of the answer's.
    Word,
    /// The last word is the right integer.
    LastInteger,
    /// The function with the error, by letter or name.
    CodeOption,
    /// One of four options, by letter or text.
    BookOption,
    /// F1 over words.
    WordF1,
    /// F1 over characters.
    CharacterF1,
    /// ROUGE-Lsum.
    RougeLsum,
    /// The character's name is one of the answer's words.
    Name,
    /// The first number has the right value.
    FirstNumber,
    /// The share of intermediate results that are right from the beginning.
    Prefix,
}

impl Metric {
    /// Whether rows have four options.
    pub(crate) fn has_options(self) -> bool {
        matches!(self, Self::CodeOption | Self::BookOption)
    }
}

impl Task {
    /// The task called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Task> {
        TASKS.iter().find(|task| task.name == name)
    }

    /// The limit on new tokens of the copy on the hub: the authors' plus 20.
    #[must_use]
    pub fn max_new_tokens(&self) -> usize {
        self.authors_limit + 20
    }
}

const fn task(name: &'static str, label: &'static str, metric: Metric, authors_limit: usize) -> Task {
    Task { name, label, metric, authors_limit }
}

/// All tasks, in the official scorer's order.
pub static TASKS: [Task; 12] = [
    task("passkey", "Retrieve.PassKey", Metric::FirstDigits, 6),
    task("number_string", "Retrieve.Number", Metric::FirstDigits, 12),
    task("kv_retrieval", "Retrieve.KV", Metric::Word, 50),
    task("longdialogue_qa_eng", "En.Dia", Metric::Name, 40),
    task("longbook_sum_eng", "En.Sum", Metric::RougeLsum, 1200),
    task("longbook_choice_eng", "En.MC", Metric::BookOption, 40),
    task("longbook_qa_eng", "En.QA", Metric::WordF1, 40),
    task("longbook_qa_chn", "Zh.QA", Metric::CharacterF1, 40),
    task("math_find", "Math.Find", Metric::FirstNumber, 3),
    task("math_calc", "Math.Calc", Metric::Prefix, 30_000),
    task("code_run", "Code.Run", Metric::LastInteger, 5),
    task("code_debug", "Code.Debug", Metric::CodeOption, 5),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_findable() {
        for (i, task) in TASKS.iter().enumerate() {
            assert!(TASKS[..i].iter().all(|other| other.name != task.name && other.label != task.label));
            assert_eq!(Task::find(SUBSETS[i]), Some(task));
        }
        assert_eq!(Task::find("passkey_eng"), None);
    }
}
