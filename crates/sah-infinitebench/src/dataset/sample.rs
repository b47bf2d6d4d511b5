//! The bundled sample: two rows for every task, so that a run needs no download.
//!
//! It is a demonstration, not InfiniteBench: this project wrote its texts, they are short, and its scores say nothing about how a
//! model does on InfiniteBench. `data/sample/README.md` says so, too.

/// The files of `data/sample`, by task.
macro_rules! files {
    ($($task:literal),+ $(,)?) => {
        [$(($task, include_str!(concat!("../../data/sample/", $task, ".jsonl")))),+]
    };
}

static FILES: [(&str, &str); 12] = files![
    "passkey",
    "number_string",
    "kv_retrieval",
    "longdialogue_qa_eng",
    "longbook_sum_eng",
    "longbook_choice_eng",
    "longbook_qa_eng",
    "longbook_qa_chn",
    "math_find",
    "math_calc",
    "code_run",
    "code_debug",
];

/// The rows of a task: a JSON object a line, with the columns of the hub's copy; none of an unknown one.
pub(super) fn jsonl(task: &str) -> &'static str {
    FILES.iter().find(|(name, _)| *name == task).map_or("", |&(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::FILES;
    use crate::SUBSETS;

    #[test]
    fn every_task_has_rows() {
        assert_eq!(FILES.map(|(name, _)| name), SUBSETS);
        assert!(FILES.iter().all(|(_, text)| text.lines().count() == 2));
    }
}
