//! The list of models, and a tiny checkpoint through the command line.

use std::fs;

use sah_adapter::{VERIFIED_AGAINST, families};
use sah_tests::tiny;
use serde_json::Value;

use crate::command::{run, xtask};

#[test]
fn a_folder_of_qwen3_layout_runs_longbench_dense_and_sparse() {
    let results = tempfile::tempdir().unwrap();
    let model = tiny::folder("qwen3");
    let mut command = xtask(&["bench", "longbench", "--subsets", "qasper,trec", "--max-samples", "2"]);
    command.args(["--max-context-length", "600", "--answer-tokens", "5", "--run-name", "tiny"]);
    command.arg("--model").arg(&model).arg("--result-dir").arg(results.path());
    let (code, tables, log) = run(&mut command);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("qwen3"), "{log}");
    for word in ["qasper", "trec", "dense", "streaming_llm", "overall"] {
        assert!(tables.contains(word), "{word} is not in\n{tables}");
    }
    let read = |file: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(results.path().join("tiny").join(file)).unwrap()).unwrap()
    };
    for attention in ["dense", "streaming_llm"] {
        assert_eq!(read(&format!("{attention}/config.json"))["model"]["architecture"], "qwen3");
        assert_eq!(read(&format!("{attention}/metrics.json"))["summary"]["total_samples"], 4);
    }
    let comparison = read("comparison.json");
    assert_eq!(comparison["attentions"]["dense"]["density"].as_f64(), Some(1.0));
    assert!(comparison["attentions"]["streaming_llm"]["density"].as_f64().unwrap() < 0.5);
}

#[test]
fn the_models_command_lists_every_architecture() {
    let (code, list, log) = run(&mut xtask(&["models"]));
    assert_eq!(code, 0, "{log}");
    for family in families() {
        assert!(list.contains(family.model_type) && list.contains(family.examples[0]), "{list}");
    }
    for word in [VERIFIED_AGAINST, "smollm2-135m-instruct", "docs/models.md"] {
        assert!(list.contains(word), "{word} is not in\n{list}");
    }
}
