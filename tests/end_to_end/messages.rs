//! What is said beside the result: to standard error, in the form that was asked for, and traces.

use std::path::Path;

use serde_json::Value;

use crate::command::{run, xtask};
use crate::tiny_model;

/// A short run of a tiny model.
fn bench(folder: &Path, name: &str, more: &[&str]) -> std::process::Command {
    let model = folder.join("model");
    tiny_model::write(&model, 0);
    let fixed = ["bench", "longbench", "--subsets", "qasper", "--max-samples", "2", "--answer-tokens", "4"];
    let mut command = xtask(&fixed);
    command.arg("--model").arg(&model).args(["--run-name", name]).arg("--result-dir").arg(folder).args(more);
    command.env_remove("RUST_LOG");
    command
}

#[test]
fn standard_output_has_the_result_and_standard_error_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text, log) = run(&mut bench(folder.path(), "text", &[]));
    assert_eq!(code, 0, "{log}");
    assert!(text.starts_with("| score") && text.trim_end().ends_with("/text"), "{text}");
    assert!(log.contains("[dense 2/2] qasper: ") && log.contains(" left"), "{log}");

    for jobs in [&[][..], &["--jobs", "2"]] {
        let name = format!("quiet{}", jobs.len());
        let (code, quiet, log) = run(&mut bench(folder.path(), &name, &[jobs, &["--quiet"]].concat()));
        assert_eq!((code, log.as_str()), (0, ""));
        assert!(quiet.starts_with("| score"), "{quiet}");

        let name = format!("json{}", jobs.len());
        let (code, json, log) =
            run(&mut bench(folder.path(), &name, &[jobs, &["--log-format", "json"]].concat()));
        assert_eq!(code, 0, "{log}");
        assert!(json.starts_with("| score"), "{json}");
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let rows = lines.iter().filter(|line| line["fields"]["rows_done"] == 2);
        let mut cells: Vec<_> = rows.map(|line| line["fields"]["cell"].as_str().unwrap()).collect();
        cells.sort_unstable();
        assert_eq!(cells, ["dense", "streaming_llm"]);
        assert!(lines.iter().all(|line| line["level"] == "INFO" && line["timestamp"].is_string()), "{log}");
    }

    let (code, _, log) = run(bench(folder.path(), "chosen", &[]).env("RUST_LOG", "off"));
    assert_eq!((code, log.as_str()), (0, ""));
    let (code, _, log) = run(&mut bench(folder.path(), "chosen", &["--quiet"]));
    assert_eq!(code, 1);
    assert!(log.starts_with("error: ") && log.contains("--run-name"), "{log}");
}

#[test]
fn a_trace_has_a_span_for_every_phase() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.json");
    let (code, _, log) = run(&mut bench(folder.path(), "traced", &["--trace", trace.to_str().unwrap()]));
    assert_eq!(code, 0, "{log}");
    let events: Vec<Value> = serde_json::from_slice(&std::fs::read(&trace).unwrap()).unwrap();
    let count = |name: &str, phase: &str| {
        events.iter().filter(|event| event["name"] == name && event["ph"] == phase).count()
    };
    // Two attentions with one context each.
    for (name, expected) in [("context", 2), ("prefill", 2), ("question", 4), ("journal", 2), ("results", 2)]
    {
        assert_eq!((count(name, "B"), count(name, "E")), (expected, expected), "{name}");
    }
    assert!(count("decode", "B") >= 2 && count("step", "B") >= 2 && count("load", "B") == 1);

    let (code, _, log) =
        run(&mut bench(folder.path(), "cells", &["--jobs", "2", "--trace", trace.to_str().unwrap()]));
    assert_eq!(code, 0, "{log}");
    for cell in ["dense", "streaming_llm"] {
        let path = folder.path().join(format!("trace.{cell}.json"));
        let events: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert!(events.iter().any(|event| event["name"] == "prefill"), "{cell}");
    }
}

#[test]
fn the_mock_benchmark_says_whether_a_model_runs() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    tiny_model::write(&model, 0);
    let plan = folder.path().join("smoke.json");
    std::fs::write(&plan, r#"{"benchmark": "mock_benchmark", "answer-tokens": 2}"#).unwrap();
    let bench = |benchmark: &str| {
        let mut command = xtask(&["bench", benchmark, "--run-name", benchmark, "--config"]);
        command.arg(&plan).arg("--model").arg(&model).arg("--result-dir").arg(folder.path());
        command
    };
    for benchmark in ["mock", "mock_benchmark"] {
        let (code, table, log) = run(&mut bench(benchmark));
        assert_eq!(code, 0, "{log}");
        assert!(table.contains("| reading_comprehension |") && table.contains("5 of 5"), "{table}");
        assert!(!log.contains("LongBench"), "{log}");
        let config = folder.path().join(benchmark).join("dense/config.json");
        let config: Value = serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
        assert_eq!(config["benchmark"], "mock");
    }
    let (code, table, log) = run(xtask(&["bench", "longbench", "--resume"]).arg(folder.path().join("mock")));
    assert_eq!(code, 0, "{log}");
    assert!(table.contains("| reading_comprehension |"), "{table}");
    let (code, _, log) = run(&mut bench("longbench"));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("smoke.json: benchmark is mock, and this is bench longbench"), "{log}");
}
