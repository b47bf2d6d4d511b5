//! `cargo xtask bench longbench` with the default model on the bundled sample and on a folder.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{run, xtask};

fn json(path: &Path) -> Value {
    serde_json::from_str(
        &fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    )
    .unwrap()
}

#[test]
fn dense_and_streaming_llm_are_run_scored_compared_and_kept() {
    let results = tempfile::tempdir().unwrap();
    let subsets = "qasper,passage_retrieval_zh,trec_e";
    let arguments =
        ["bench", "longbench", "--subsets", subsets, "--max-samples", "1", "--max-new-tokens", "6"];
    let mut command = xtask(&arguments);
    command.arg("--run-name").arg("short").arg("--result-dir").arg(results.path());
    let (code, tables, log) = run(&mut command);
    assert_eq!(code, 0, "{log}");
    for word in
        ["qasper", "passage_retrieval_zh", "trec_e 0-4k", "dense", "streaming_llm", "peak memory", "density"]
    {
        assert!(tables.contains(word), "{word} is not in\n{tables}");
    }
    assert!(log.contains("3/3"), "no progress in\n{log}");

    let run_folder = results.path().join("short");
    for attention in ["dense", "streaming_llm"] {
        let folder = run_folder.join(attention);
        let metrics = json(&folder.join("metrics.json"));
        assert_eq!(metrics["summary"]["total_samples"], 3);
        assert!(metrics["task_scores"]["trec_e"]["4-8k"].is_null(), "an empty bucket is null");
        let config = json(&folder.join("config.json"));
        assert_eq!(config["model"]["name"], "smollm2-135m-instruct");
        assert_eq!(config["model"]["hash"].as_str().map(str::len), Some(64));
        assert_eq!(config["versions"]["libtorch"].as_str().map(|version| &version[..6]), Some("2.13.0"));
        for file in ["raw_results.csv", "raw_results.parquet", "detailed_results.json", "journal.jsonl"] {
            assert!(folder.join(file).metadata().unwrap().len() > 0, "{file}");
        }
    }
    let comparison = json(&run_folder.join("comparison.json"));
    assert_eq!(comparison["baseline"], "dense");
    let density = |attention: &str| comparison["attentions"][attention]["density"].as_f64().unwrap();
    assert!((density("dense") - 1.0).abs() < 1e-12);
    assert!(density("streaming_llm") < 0.5, "{}", density("streaming_llm"));

    // Results are never overwritten, and that is found before the model is loaded.
    let (code, _, log) = run(&mut command);
    assert_eq!(code, 1);
    assert!(log.contains("--run-name"), "{log}");
}

/// A few-shot task and another one about the same context, in each way of using the chat template.
#[test]
fn the_chat_template_is_used_as_asked_and_noted() {
    let data = tempfile::tempdir().unwrap();
    for task in ["qasper", "trec"] {
        let row = serde_json::json!({
            "context": "The door is blue. ", "question": "What is blue?", "answer_prefix": "Answer:",
            "answers": ["door"], "length": 10, "dataset": task, "language": "en", "all_classes": ["door", "sea"],
            "_id": task, "task": task, "max_new_tokens": 2
        });
        fs::write(data.path().join(format!("{task}.jsonl")), row.to_string()).unwrap();
    }
    let results = tempfile::tempdir().unwrap();
    let tokens = |mode: &str, flags: &[&str], plain: &[&str]| -> Vec<u64> {
        let fixed =
            ["bench", "longbench", "--subsets", "qasper,trec", "--attention", "dense", "--run-name", mode];
        let mut command = xtask(&[&fixed[..], flags].concat());
        command.arg("--data").arg(data.path()).arg("--result-dir").arg(results.path());
        let (code, _, log) = run(&mut command);
        assert_eq!(code, 0, "{log}");
        let folder = results.path().join(mode).join("dense");
        let used = &json(&folder.join("config.json"))["chat_template"];
        assert_eq!(used["mode"], mode);
        assert_eq!(used["plain_subsets"], serde_json::json!(plain));
        assert_eq!(used["hash"].as_str().map(str::len), Some(64));
        let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
        let groups = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let rows = groups.flat_map(|group| group["rows"].as_array().unwrap().clone());
        rows.map(|row| row["stats"]["context"]["tokens"].as_u64().unwrap()).collect()
    };
    let chat = tokens("always", &[], &[]);
    let plain = tokens("never", &["--no-chat-template"], &["qasper", "trec"]);
    let mixed = tokens("longbench", &["--chat-template", "longbench"], &["trec"]);
    assert_eq!(chat[0], chat[1]);
    assert_eq!(plain[0], plain[1]);
    // The template of the default model has a system message in it.
    assert!(chat[0] > plain[0] + 10, "{chat:?} {plain:?}");
    assert_eq!(mixed, [chat[0], plain[1]]);
}

#[test]
fn a_context_that_fails_costs_only_its_own_rows() {
    let data = tempfile::tempdir().unwrap();
    let row = |context: &str, question: &str| {
        serde_json::json!({
            "context": context, "question": question, "answer_prefix": "Answer:", "answers": ["blue"],
            "length": 10, "dataset": "qasper", "language": "en", "all_classes": null, "_id": question,
            "task": "qasper", "max_new_tokens": 4
        })
        .to_string()
    };
    // Longer than the model's 8,192 positions.
    let sea = "The sea was grey. ".repeat(3000);
    let rows = [row(&sea, "q1"), row("The door is blue.", "q2"), row(&sea, "q3")].join("\n");
    fs::write(data.path().join("qasper.jsonl"), rows).unwrap();
    let results = tempfile::tempdir().unwrap();
    let mut command =
        xtask(&["bench", "longbench", "--subsets", "qasper", "--attention", "dense", "--run-name", "one"]);
    command.arg("--data").arg(data.path()).arg("--result-dir").arg(results.path());
    let (code, tables, log) = run(&mut command);
    assert_eq!(code, 3, "{log}");
    assert!(tables.contains("1 of 3"), "{tables}");
    assert!(log.contains("--max-context-length"), "{log}");
    let detailed = json(&results.path().join("one/dense/detailed_results.json"));
    assert_eq!(detailed["rows_failed"], 2);
}
