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
        ["bench", "longbench", "--subsets", subsets, "--max-samples", "1", "--answer-tokens", "6"];
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
        assert_eq!(config["kv_dtype"], "f32", "as the activations");
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

    // Without the keys that are never read again, the answers are the same.
    let mut evicting = xtask(&arguments);
    evicting.arg("--run-name").arg("evicting").arg("--result-dir").arg(results.path()).arg("--evict");
    let (code, _, log) = run(&mut evicting);
    assert_eq!(code, 0, "{log}");
    for (attention, evicts) in [("dense", false), ("streaming_llm", true)] {
        let of_run = |name: &str| results.path().join(name).join(attention);
        assert_eq!(json(&of_run("evicting").join("config.json"))["evict"], evicts);
        assert_eq!(json(&of_run("short").join("config.json"))["evict"], false);
        let answers = |name: &str| answers(&of_run(name).join("journal.jsonl"));
        assert_eq!(answers("evicting"), answers("short"), "{attention}");
    }

    // Results are never overwritten, and that is found before the model is loaded.
    let (code, _, log) = run(&mut command);
    assert_eq!(code, 1);
    assert!(log.contains("--run-name"), "{log}");
}

/// The lines of a run's micro metrics without their times.
fn micro_metrics(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("micro_metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        assert!(line.as_object_mut().unwrap().remove("timestamp").is_some_and(|time| time.is_string()));
        line
    };
    text.lines().map(line).collect()
}

/// The model has 30 layers of 9 query heads. Its answers are 4 tokens long, or end earlier.
#[test]
fn drawn_attention_calls_are_measured_for_each_head() {
    let results = tempfile::tempdir().unwrap();
    let measure = |name: &str, rate: &str| {
        let fixed = ["bench", "longbench", "--subsets", "qasper,trec", "--max-samples", "1"];
        let mut command = xtask(&[&fixed[..], &["--answer-tokens", "4", "--run-name", name]].concat());
        command.args(["--attention", "dense,quest", "--set", "heavy_size=2%", "--micro-metrics", rate]);
        let (code, table, log) = run(command.arg("--result-dir").arg(results.path()));
        assert_eq!(code, 0, "{log}");
        (results.path().join(name), table)
    };
    let (first, table) = measure("first", "0.3");
    assert!(table.contains("attention error"), "{table}");
    assert!(!first.join("dense/micro_metrics.jsonl").exists(), "dense attention is not measured");
    let folder = first.join("quest");
    let summary = &json(&folder.join("metrics.json"))["micro_metrics"];
    let count = |key: &str| summary[key].as_u64().unwrap();
    // One forward pass for the question, and one for each new token but the last.
    let detailed = json(&folder.join("detailed_results.json"));
    let passes = 2 + detailed["total"]["decode"]["tokens"].as_u64().unwrap();
    assert_eq!(count("calls"), 30 * passes);
    let share = count("sampled_calls") as f64 / count("calls") as f64;
    assert!((0.15..0.45).contains(&share), "{share}");
    assert_eq!(detailed["attention_backends"]["decode"], serde_json::json!(["fused"]));
    // Two bounds of 3 x 64 elements of 4 bytes for a page of 16 keys, in 30 layers, with room to grow.
    let bytes = detailed["per_row"]["masker_state_bytes_per_token"]["median"].as_f64().unwrap();
    assert!((2_800.0..4_000.0).contains(&bytes), "{bytes}");

    let lines = micro_metrics(&folder);
    assert_eq!(lines.len() as u64, 2 * count("sampled_calls"));
    assert_eq!(count("records"), lines.len() as u64);
    let mut steps = std::collections::BTreeSet::new();
    for line in &lines {
        let metadata = &line["metadata"];
        assert_eq!(metadata["heads"].as_array().map(Vec::len), Some(9), "{line}");
        let value = line["value"].as_f64().unwrap();
        assert!((0.0..=1.5).contains(&value), "{line}");
        steps.insert((metadata["index"].as_u64().unwrap(), metadata["step"].as_u64().unwrap()));
    }
    assert!(steps.contains(&(0, 0)) && steps.contains(&(1, 0)), "{steps:?}");
    assert!(steps.iter().any(|(_, step)| *step > 0), "{steps:?}");
    let error = json(&first.join("comparison.json"))["attentions"]["quest"]["attention_error"].as_f64();
    assert!(error.is_some_and(|error| error > 0.001 && error < 1.0), "{error:?}");
    assert_eq!(parquet_rows(&folder.join("micro_metrics.parquet")), 9 * count("sampled_calls"));

    let (again, _) = measure("again", "0.3");
    assert_eq!(micro_metrics(&again.join("quest")), lines, "the same calls with the same figures");
    let (off, table) = measure("off", "0");
    assert!(!off.join("quest/micro_metrics.jsonl").exists() && !table.contains("attention error"));
    assert!(json(&off.join("quest/metrics.json")).get("micro_metrics").is_none());
    let answers_of = |run: &Path| answers(&run.join("quest/journal.jsonl"));
    assert_eq!(answers_of(&off), answers_of(&first), "measuring changes no answer");
}

fn parquet_rows(path: &Path) -> u64 {
    let file = fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.metadata().file_metadata().num_rows() as u64
}

/// The answers in a journal.
fn answers(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let groups = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rows = groups.flat_map(|group| group["rows"].as_array().unwrap().clone());
    rows.map(|row| row["predicted_answer"].clone()).collect()
}

#[test]
fn a_rate_of_micro_metrics_is_from_0_to_1() {
    for rate in ["1.5", "NaN", "some"] {
        let (code, _, log) = run(&mut xtask(&["bench", "longbench", "--micro-metrics", rate]));
        assert_eq!(code, 2, "{log}");
        assert!(log.contains("--micro-metrics") && log.contains("from 0 to 1"), "{log}");
    }
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

/// A template of the user's own, with a value for its variable: in the prompt, in config.json, and on resuming.
#[test]
fn a_chat_template_and_its_arguments_are_the_user_s() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let template =
        write("mine.jinja", "{{ style | default('') }}{% for m in messages %}{{ m.content }}{% endfor %}");
    let bench = |name: &str, flags: &[&str]| {
        let fixed = ["bench", "mock", "--max-samples", "1", "--max-new-tokens", "1", "--attention", "dense"];
        let mut command = xtask(&[&fixed[..], flags].concat());
        command.arg("--run-name").arg(name).arg("--result-dir").arg(folder.path());
        run(&mut command)
    };
    let config =
        |name: &str| json(&folder.path().join(name).join("dense/config.json"))["chat_template"].clone();

    let (code, _, log) =
        bench("own", &["--chat-template", &template, "--template-arg", "style=terse please"]);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("mine.jinja with style=\"terse please\""), "{log}");
    assert_eq!(config("own")["mode"], "file");
    assert_eq!(config("own")["file"], template.as_str());
    assert_eq!(config("own")["arguments"], serde_json::json!({"style": "terse please"}));
    let (code, _, log) = bench("plain", &["--chat-template", &template]);
    assert_eq!(code, 0, "{log}");
    assert!(config("plain")["arguments"].is_null());
    assert_eq!(config("plain")["hash"], config("own")["hash"]);

    for (flags, expected) in [
        (&["--template-arg", "effort=low"][..], "`effort` is not read by it"),
        (&["--chat-template", &template, "--template-arg", "mood=1"], "what it reads: style"),
        (&["--chat-template", "never", "--template-arg", "style=1"], "--template-arg style has no effect"),
        (&["--chat-template", "nowhere.jinja"], "expected always, never"),
        (&["--template-arg", "style=[1"], "no JSON"),
    ] {
        let (code, _, log) = bench("refused", flags);
        assert!(code != 0 && log.contains(expected), "{flags:?}: {log}");
    }
}
