//! The bundled sample: some rows for every config, so that a run needs no download.
//!
//! It is a demonstration, not `LongBench`: this project wrote its texts, they are short, and its scores say nothing
//! about how a model does on `LongBench`. `data/sample/README.md` says where the texts come from.

/// The files of `data/sample`, by config.
macro_rules! files {
    ($($config:literal),+ $(,)?) => {
        [$(($config, include_str!(concat!("../data/sample/", $config, ".jsonl")))),+]
    };
}

/// Each config with its rows, in `LongBench`'s order.
static FILES: [(&str, &str); 34] = files![
    "narrativeqa",
    "qasper",
    "multifieldqa_en",
    "multifieldqa_zh",
    "hotpotqa",
    "2wikimqa",
    "musique",
    "dureader",
    "gov_report",
    "qmsum",
    "multi_news",
    "vcsum",
    "trec",
    "triviaqa",
    "samsum",
    "lsht",
    "passage_count",
    "passage_retrieval_en",
    "passage_retrieval_zh",
    "lcc",
    "repobench-p",
    "qasper_e",
    "multifieldqa_en_e",
    "hotpotqa_e",
    "2wikimqa_e",
    "gov_report_e",
    "multi_news_e",
    "trec_e",
    "triviaqa_e",
    "samsum_e",
    "passage_count_e",
    "passage_retrieval_en_e",
    "lcc_e",
    "repobench-p_e",
];

/// The rows of `config`: a JSON object a line, with the columns of the hub data set. `None` for an unknown config.
pub(crate) fn jsonl(config: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == config).map(|&(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::{FILES, jsonl};
    use crate::tasks::TASKS;

    #[test]
    fn every_config_has_rows_and_nothing_else_has() {
        for task in &TASKS {
            let text = jsonl(task.name).unwrap_or_else(|| panic!("no rows of {}", task.name));
            let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
            assert_eq!(first["task"], task.base, "{}", task.name);
        }
        assert_eq!(FILES.len(), TASKS.len());
        assert_eq!(jsonl("no_such_config"), None);
    }
}
