//! The configs of LongBench as data.

use crate::Metric;

/// One config of the data set: a task of LongBench, or its LongBench-E variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The config's name: `qasper`, `qasper_e`.
    pub name: &'static str,
    /// The task that names the metric and the prompt: `qasper` for both `qasper` and `qasper_e`.
    pub base: &'static str,
    /// How an answer is compared with a reference.
    pub metric: Metric,
    /// Whether only the first line of an answer counts (after leading line feeds are dropped).
    pub first_line_only: bool,
    /// Whether the LongBench authors put its prompts in a model's chat template. They do not where a prompt shows the
    /// model how to go on: few-shot and code tasks.
    pub chat_template: bool,
    /// Limit on new tokens, as in the hub data: the one of the LongBench authors plus 20.
    pub max_new_tokens: usize,
}

impl Task {
    /// The config called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Task> {
        TASKS.iter().find(|task| task.name == name)
    }

    /// Limit on new tokens of the LongBench authors.
    #[must_use]
    pub fn authors_limit(&self) -> usize {
        self.max_new_tokens - MARGIN
    }

    /// Whether this is a config of LongBench-E, which is scored by length.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.name != self.base
    }

    /// The LongBench-E config of this task, if there is one; itself for such a config.
    #[must_use]
    pub fn extended(&self) -> Option<&'static Task> {
        TASKS.iter().find(|task| task.is_extended() && task.base == self.base)
    }
}

/// What the hub data adds to the authors' limit on new tokens.
const MARGIN: usize = 20;

const fn task(name: &'static str, base: &'static str, metric: Metric, limit: usize) -> Task {
    Task { name, base, metric, first_line_only: false, chat_template: true, max_new_tokens: limit + MARGIN }
}

/// A few-shot or code task.
const fn continued(task: Task) -> Task {
    Task { chat_template: false, ..task }
}

/// A few-shot task, of whose answer the first line counts.
const fn first_line(name: &'static str, base: &'static str, metric: Metric, limit: usize) -> Task {
    continued(Task { first_line_only: true, ..task(name, base, metric, limit) })
}

/// All configs, the 21 of LongBench first, then the 13 of LongBench-E.
pub static TASKS: [Task; 34] = [
    task("narrativeqa", "narrativeqa", Metric::QaF1, 128),
    task("qasper", "qasper", Metric::QaF1, 128),
    task("multifieldqa_en", "multifieldqa_en", Metric::QaF1, 64),
    task("multifieldqa_zh", "multifieldqa_zh", Metric::QaF1Zh, 64),
    task("hotpotqa", "hotpotqa", Metric::QaF1, 32),
    task("2wikimqa", "2wikimqa", Metric::QaF1, 32),
    task("musique", "musique", Metric::QaF1, 32),
    task("dureader", "dureader", Metric::RougeZh, 128),
    task("gov_report", "gov_report", Metric::Rouge, 512),
    task("qmsum", "qmsum", Metric::Rouge, 512),
    task("multi_news", "multi_news", Metric::Rouge, 512),
    task("vcsum", "vcsum", Metric::RougeZh, 512),
    first_line("trec", "trec", Metric::Classification, 64),
    first_line("triviaqa", "triviaqa", Metric::QaF1, 32),
    first_line("samsum", "samsum", Metric::Rouge, 128),
    first_line("lsht", "lsht", Metric::Classification, 64),
    task("passage_count", "passage_count", Metric::Count, 32),
    task("passage_retrieval_en", "passage_retrieval_en", Metric::Retrieval, 32),
    task("passage_retrieval_zh", "passage_retrieval_zh", Metric::RetrievalZh, 32),
    continued(task("lcc", "lcc", Metric::CodeSim, 64)),
    continued(task("repobench-p", "repobench-p", Metric::CodeSim, 64)),
    task("qasper_e", "qasper", Metric::QaF1, 128),
    task("multifieldqa_en_e", "multifieldqa_en", Metric::QaF1, 64),
    task("hotpotqa_e", "hotpotqa", Metric::QaF1, 32),
    task("2wikimqa_e", "2wikimqa", Metric::QaF1, 32),
    task("gov_report_e", "gov_report", Metric::Rouge, 512),
    task("multi_news_e", "multi_news", Metric::Rouge, 512),
    first_line("trec_e", "trec", Metric::Classification, 64),
    first_line("triviaqa_e", "triviaqa", Metric::QaF1, 32),
    first_line("samsum_e", "samsum", Metric::Rouge, 128),
    task("passage_count_e", "passage_count", Metric::Count, 32),
    task("passage_retrieval_en_e", "passage_retrieval_en", Metric::Retrieval, 32),
    continued(task("lcc_e", "lcc", Metric::CodeSim, 64)),
    continued(task("repobench-p_e", "repobench-p", Metric::CodeSim, 64)),
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
    fn there_are_21_standard_and_13_extended_configs() {
        let extended = TASKS.iter().filter(|task| task.is_extended()).count();
        assert_eq!((TASKS.len() - extended, extended), (21, 13));
    }

    /// The list in the authors' pred.py.
    #[test]
    fn few_shot_and_code_tasks_have_no_chat_template() {
        let plain = TASKS.iter().filter(|task| !task.is_extended() && !task.chat_template);
        let plain: Vec<&str> = plain.map(|task| task.name).collect();
        assert_eq!(plain, ["trec", "triviaqa", "samsum", "lsht", "lcc", "repobench-p"]);
    }

    #[test]
    fn names_are_unique() {
        for (i, task) in TASKS.iter().enumerate() {
            assert!(TASKS[..i].iter().all(|other| other.name != task.name), "{} twice", task.name);
            assert_eq!(SUBSETS[i], task.name);
        }
    }

    #[test]
    fn an_extended_config_differs_from_its_base_in_the_name_only() {
        for task in TASKS.iter().filter(|task| task.is_extended()) {
            assert_eq!(task.name, format!("{}_e", task.base));
            let base = Task::find(task.base).unwrap();
            assert_eq!(Task { name: base.name, ..*task }, *base);
            assert_eq!(base.extended(), Some(task));
        }
    }
}
