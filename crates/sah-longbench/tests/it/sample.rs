//! The bundled sample: it stays as it is, and its rows keep their promises.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sah_bench_core::{Benchmark as _, NoTokenizer, samples_hash};
use sah_longbench::{DataSource, LongBench, SUBSETS, Task};
use serde_json::Value;

const COLUMNS: [&str; 11] = [
    "context",
    "question",
    "answer_prefix",
    "answers",
    "length",
    "dataset",
    "language",
    "all_classes",
    "_id",
    "task",
    "max_new_tokens",
];

/// Tasks whose answers stand in the context word for word, unless they are one of [`JUDGEMENTS`].
const EXTRACTIVE: [&str; 13] = [
    "narrativeqa",
    "qasper",
    "multifieldqa_en",
    "multifieldqa_zh",
    "hotpotqa",
    "2wikimqa",
    "musique",
    "dureader",
    "trec",
    "lsht",
    "triviaqa",
    "passage_retrieval_en",
    "passage_retrieval_zh",
];

/// Answers that sum up what the context says.
const JUDGEMENTS: [&str; 3] = ["yes", "no", "unanswerable"];

/// A row with its config.
struct Row {
    config: String,
    value: Value,
}

impl Row {
    fn text(&self, column: &str) -> &str {
        self.value[column].as_str().unwrap_or_else(|| panic!("{}: {column} is no text", self.config))
    }

    fn answers(&self) -> Vec<&str> {
        self.value["answers"].as_array().unwrap().iter().map(|answer| answer.as_str().unwrap()).collect()
    }

    fn is_judgement(&self) -> bool {
        self.answers().iter().any(|answer| JUDGEMENTS.contains(answer))
    }

    /// The characters at the end of the context that may still be in the local window, and more.
    fn tail(&self) -> usize {
        if self.text("language") == "zh" { 150 } else { 300 }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample")
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for config in SUBSETS {
        for line in std::fs::read_to_string(folder().join(format!("{config}.jsonl"))).unwrap().lines() {
            rows.push(Row { config: config.to_owned(), value: serde_json::from_str(line).unwrap() });
        }
    }
    rows
}

/// Results of the sample are compared across versions.
#[test]
fn the_rows_stay_as_they_are() {
    let samples = LongBench::new(DataSource::Sample).load(&SUBSETS, &NoTokenizer).unwrap();
    assert_eq!(samples.len(), 53);
    let hash = "0e030c2273952021e82906fec498a46701e247f99fea0b81d52132677ed11f69";
    assert_eq!(samples_hash(&samples), hash);
}

#[test]
fn every_config_has_a_file_and_a_readme_says_where_they_come_from() {
    let names = std::fs::read_dir(folder()).unwrap();
    let found: BTreeSet<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected: BTreeSet<_> = SUBSETS.iter().map(|config| format!("{config}.jsonl")).collect();
    expected.insert("README.md".to_owned());
    assert_eq!(found, expected);
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    assert!(readme.contains("Apache-2.0") && readme.contains("not LongBench"), "{readme}");
}

#[test]
fn every_row_has_the_columns_of_the_hub_data() {
    let mut ids = BTreeSet::new();
    for row in rows() {
        let columns: Vec<&str> = row.value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(columns, COLUMNS, "{}", row.config);
        let base = row.config.strip_suffix("_e").unwrap_or(&row.config);
        assert_eq!((row.text("task"), row.text("dataset")), (base, base));
        assert!(["en", "zh", "code"].contains(&row.text("language")), "{}", row.config);
        assert!(
            row.answers().iter().all(|answer| !answer.is_empty()) && !row.answers().is_empty(),
            "{}",
            row.config
        );
        assert!(!row.text("answer_prefix").is_empty(), "{}", row.config);
        assert!(row.value["length"].as_u64().unwrap() > 0);
        assert!(ids.insert(row.text("_id").to_owned()), "{} twice", row.text("_id"));
        match base {
            "trec" | "lsht" => {
                let classes = row.value["all_classes"].as_array().unwrap();
                assert!(classes.contains(&row.value["answers"][0]), "{}", row.config);
            }
            _ => assert!(row.value["all_classes"].is_null(), "{}", row.config),
        }
    }
}

#[test]
fn the_needed_fact_lies_outside_the_local_window() {
    let mut checked = 0;
    for row in rows() {
        if !EXTRACTIVE.contains(&row.text("task")) || row.is_judgement() {
            continue;
        }
        // In triviaqa the passage is part of the question, the context holds solved examples.
        let source = row.text(if row.text("task") == "triviaqa" { "question" } else { "context" });
        let early: String = source.chars().take(source.chars().count() - row.tail()).collect();
        let answers = row.answers();
        let found = answers.iter().find(|answer| early.contains(**answer));
        let found = found.unwrap_or_else(|| panic!("{}: none of {answers:?} in time", row.config));
        assert!(!source[early.len()..].contains(*found), "{}: {found} once more at the end", row.config);
        checked += 1;
    }
    assert!(checked >= 25, "only {checked} rows checked");
}

#[test]
fn numbered_paragraphs_are_counted_and_found_right() {
    for row in rows() {
        let (context, answer) = (row.text("context"), row.answers()[0].to_owned());
        match row.text("task") {
            "passage_count" => {
                let paragraphs = context.split("\n\n").filter_map(|part| part.strip_prefix("Paragraph "));
                let texts: Vec<&str> = paragraphs.map(|part| part.split_once(": ").unwrap().1).collect();
                let unique = texts.iter().collect::<BTreeSet<_>>().len();
                assert!(unique < texts.len(), "{}", row.config);
                assert_eq!(unique.to_string(), answer, "{}", row.config);
            }
            "passage_retrieval_en" => assert!(context.contains(&format!("{answer}: ")), "{}", row.config),
            "passage_retrieval_zh" => assert!(context.contains(&format!("{answer}：")), "{}", row.config),
            _ => {}
        }
    }
}

#[test]
fn a_row_s_own_answer_gets_the_full_score_and_an_empty_one_none() {
    for row in rows() {
        let task = Task::find(&row.config).unwrap();
        let answers: Vec<String> = row.answers().into_iter().map(str::to_owned).collect();
        let classes: Option<Vec<String>> = serde_json::from_value(row.value["all_classes"].clone()).unwrap();
        let score = |prediction: &str| task.score(prediction, &answers, classes.as_deref()).unwrap();
        // ROUGE adds 1e-8 to a denominator and never reaches 1.
        assert!(score(&answers[0]) > 0.999_999, "{}: {}", row.config, score(&answers[0]));
        assert!(score("") < 1e-9, "{}: {}", row.config, score(""));
    }
}

#[test]
fn some_contexts_have_several_questions_and_none_is_in_two_configs() {
    let mut contexts: BTreeMap<String, (BTreeSet<String>, usize)> = BTreeMap::new();
    for row in rows() {
        let entry = contexts.entry(row.text("context").to_owned()).or_default();
        entry.0.insert(row.config);
        entry.1 += 1;
    }
    assert!(contexts.values().all(|(configs, _)| configs.len() == 1));
    let shared: BTreeSet<&String> =
        contexts.values().filter(|(_, rows)| *rows > 1).flat_map(|(configs, _)| configs).collect();
    assert!(shared.len() >= 6, "{shared:?}");
    assert!((36..=44).contains(&contexts.len()), "{} contexts", contexts.len());
}

#[test]
fn the_sample_is_small_enough_for_a_run_of_minutes() {
    let rows = rows();
    for row in &rows {
        let context = row.text("context").chars().count();
        let limits = if row.text("language") == "zh" { 350..=800 } else { 1300..=2300 };
        assert!(limits.contains(&context), "{}: {context} characters", row.config);
    }
    let new_tokens: u64 = rows.iter().map(|row| row.value["max_new_tokens"].as_u64().unwrap()).sum();
    assert!(new_tokens <= 1300, "{new_tokens} new tokens");
    assert!(rows.len() <= 56, "{} rows", rows.len());
}
