//! A model whose chat template makes it think by default, in every way that a user can ask for it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{run, xtask};
use crate::resume::rows;
use crate::tiny_model;

/// A run of the mock benchmark with the model in `folder`: exit code, standard output and standard error.
fn bench(folder: &Path, name: &str, more: &[&str]) -> (i32, String, String) {
    let model = folder.join("model");
    if !model.exists() {
        tiny_model::write_thinking(&model);
    }
    let mut command = xtask(&["bench", "mock", "--attention", "dense", "--run-name", name]);
    command.arg("--model").arg(&model).arg("--result-dir").arg(folder).args(more);
    run(&mut command)
}

fn json(folder: &Path, run: &str, file: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(run).join("dense").join(file)).unwrap()).unwrap()
}

/// The answers of a run without repeats, each with its thoughts and its end.
fn answers(folder: &Path, run: &str) -> Vec<(String, Value, String)> {
    let answer = |row: &Value| {
        let end = row["stats"]["answer"]["end"].as_str().unwrap_or_default();
        (
            row["predicted_answer"].as_str().unwrap().to_owned(),
            row["thoughts"]["text"].clone(),
            end.to_owned(),
        )
    };
    let mut answers: Vec<_> = rows(&folder.join(run).join("dense")).iter().map(answer).collect();
    answers.dedup();
    answers
}

/// The kinds of the warnings in a result file.
fn kinds(file: &Value) -> Vec<&str> {
    let warnings = file["warnings"].as_array().into_iter().flatten();
    warnings.map(|warning| warning["kind"].as_str().unwrap()).collect()
}

#[test]
fn it_thinks_only_when_told_to_and_thoughts_are_never_scored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();

    let (code, text, log) = bench(folder, "off", &[]);
    assert_eq!(code, 0, "{log}");
    assert_eq!(answers(folder, "off"), [("1887".to_owned(), Value::Null, "end_of_turn".to_owned())]);
    let config = json(folder, "off", "config.json");
    assert_eq!(config["chat_template"]["thinking"], "off");
    assert_eq!(config["chat_template"]["arguments"]["enable_thinking"], false);
    assert_eq!(
        (kinds(&config), kinds(&json(folder, "off", "metrics.json"))),
        (vec!["template_thinks"], vec!["template_thinks"])
    );
    for said in [&text, &log] {
        assert_eq!(said.matches("think unless told otherwise").count(), 1, "{said}");
    }

    let (code, text, log) = bench(folder, "on", &["--thinking", "on"]);
    assert_eq!(code, 0, "{log}");
    let expected = ("1887".to_owned(), Value::from("hmm"), "end_of_turn".to_owned());
    assert_eq!(answers(folder, "on"), std::slice::from_ref(&expected));
    let config = json(folder, "on", "config.json");
    assert_eq!(config["chat_template"]["thinking"], "on");
    assert_eq!(config["generation"]["thinking_tokens"], 1024);
    assert_eq!(kinds(&config), ["template_thinks"], "{text}");
    let scores = |run: &str| json(folder, run, "metrics.json")["task_scores"].clone();
    assert_eq!(scores("on"), scores("off"));
    let table = fs::read_to_string(folder.join("on/dense/raw_results.csv")).unwrap();
    assert!(table.lines().next().unwrap().contains(",predicted_answer,thoughts,ended_by,"), "{table}");

    // `<think> hmm` and no more.
    let (code, text, log) = bench(folder, "short", &["--thinking", "on", "--thinking-tokens", "2"]);
    assert_eq!(code, 0, "{log}");
    assert_eq!(answers(folder, "short"), [(String::new(), Value::from("hmm"), "thinking_limit".to_owned())]);
    let warned = json(folder, "short", "metrics.json");
    assert_eq!(kinds(&warned), ["template_thinks", "unfinished_thoughts", "empty_answers"]);
    assert!(text.contains("5 of 5 thoughts had no end") && text.contains("--thinking-tokens"), "{text}");

    // By the template's own variable thoughts have no room of their own, and are not scored either.
    let (code, _, log) = bench(folder, "argument", &["--template-arg", "enable_thinking=true"]);
    assert_eq!(code, 0, "{log}");
    assert_eq!(answers(folder, "argument"), [expected]);
    let (code, _, log) =
        bench(folder, "limit", &["--template-arg", "enable_thinking=true", "--answer-tokens", "3"]);
    assert_eq!(code, 0, "{log}");
    assert_eq!(
        kinds(&json(folder, "limit", "metrics.json")),
        ["template_thinks", "answers_at_limit", "empty_answers"]
    );

    // A finished run is read back with its thoughts, and the report has its warnings.
    let mut report = xtask(&["report"]);
    let (code, _, log) = run(report.arg(folder.join("short")));
    assert_eq!(code, 0, "{log}");
    let page = fs::read_to_string(folder.join("short/report/report.md")).unwrap();
    assert!(page.contains("5 of 5 thoughts had no end"), "{page}");
}

#[test]
fn options_without_effect_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (code, _, log) = bench(folder, "room", &["--thinking-tokens", "9"]);
    assert!(code == 2 && log.contains("--thinking on"), "{code}: {log}");
    let (code, _, log) = bench(folder, "plain", &["--thinking", "on", "--no-chat-template"]);
    assert!(code == 2 && log.contains("--thinking"), "{code}: {log}");
    // A template that knows nothing of it.
    fs::write(
        folder.join("model/tokenizer_config.json"),
        r#"{"chat_template": "{{ messages[0].content }}"}"#,
    )
    .unwrap();
    let (code, _, log) = bench(folder, "unknown", &["--thinking", "on"]);
    assert!(code == 1 && log.contains("knows nothing of thinking"), "{code}: {log}");
}
