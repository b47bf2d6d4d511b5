//! Runs that are stopped and go on, with the default model.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{run, xtask};
use crate::tiny_model;

/// Two attentions over four rows.
fn bench(result_dir: &Path, name: &str) -> Command {
    let fixed = ["bench", "longbench", "--subsets", "qasper,trec", "--max-samples", "2"];
    let mut command = xtask(&[&fixed[..], &["--answer-tokens", "3", "--run-name", name]].concat());
    command.arg("--result-dir").arg(result_dir);
    command
}

/// Starts the command and waits until `journal` has a line.
fn start(command: &mut Command, journal: &Path) -> Child {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("cargo runs");
    let begun = Instant::now();
    while fs::metadata(journal).map_or(0, |file| file.len()) == 0 {
        assert!(begun.elapsed() < Duration::from_mins(5), "no row in {}", journal.display());
        assert!(child.try_wait().unwrap().is_none(), "the run ended early");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

pub(crate) fn signal(name: &str, child: &Child) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// The rows of a run without their times.
pub(crate) fn rows(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let mut rows: Vec<Value> = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        rows.extend(line["rows"].as_array().unwrap().iter().cloned());
    }
    for row in &mut rows {
        row["stats"]["context"]["prefill_seconds"].take();
        row["stats"]["answer"]["question_seconds"].take();
        row["stats"]["answer"]["decode_seconds"].take();
    }
    rows
}

#[test]
fn a_run_that_was_stopped_or_killed_goes_on_to_the_same_results() {
    let results = tempfile::tempdir().unwrap();
    let (code, _, log) = run(&mut bench(results.path(), "undisturbed"));
    assert_eq!(code, 0, "{log}");
    let folder = |name: &str, attention: &str| results.path().join(name).join(attention);

    // Ctrl-C in the first attention, a kill in the second.
    let child =
        start(&mut bench(results.path(), "stopped"), &folder("stopped", "dense").join("journal.jsonl"));
    signal("-INT", &child);
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{log}");
    assert!(log.contains("--resume") && log.contains("of 4 rows"), "{log}");
    let kept = |attention| rows(&folder("stopped", attention)).len();
    assert!(
        (1..=4).contains(&kept("dense")) && kept("streaming_llm") < 4,
        "it stopped neither early nor late"
    );

    let run_dir = results.path().join("stopped");
    let resume = || {
        let mut command = xtask(&["bench", "longbench", "--resume"]);
        command.arg(&run_dir);
        command
    };
    let mut child = start(&mut resume(), &folder("stopped", "streaming_llm").join("journal.jsonl"));
    signal("-KILL", &child);
    assert!(!child.wait().unwrap().success());

    let (code, tables, log) = run(&mut resume());
    assert_eq!(code, 0, "{log}");
    assert!(tables.contains("streaming_llm"), "{tables}");
    for attention in ["dense", "streaming_llm"] {
        assert_eq!(rows(&folder("stopped", attention)), rows(&folder("undisturbed", attention)));
        let metrics = |name: &str| fs::read(folder(name, attention).join("metrics.json")).unwrap();
        assert_eq!(metrics("stopped"), metrics("undisturbed"));
    }
    // A finished run is shown again, and its model is not loaded.
    let (code, again, log) = run(&mut resume());
    assert_eq!((code, again), (0, tables), "{log}");

    let (code, _, log) = run(xtask(&["bench", "longbench", "--resume"]).arg(results.path().join("nothing")));
    assert_eq!(code, 1, "{log}");
    assert!(log.contains("nothing"), "{log}");
    let (code, _, log) = run(resume().args(["--seed", "3"]));
    assert_eq!(code, 2, "{log}");
}

/// Flips the last bit of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_run_does_not_go_on_with_another_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    tiny_model::write_thinking(&model);
    fs::write(model.join("generation_config.json"), r#"{"eos_token_id": 6}"#).unwrap();
    let mut command = xtask(&["bench", "mock", "--attention", "dense", "--run-name", "r"]);
    let (code, _, log) = run(command.arg("--model").arg(&model).arg("--result-dir").arg(folder.path()));
    assert_eq!(code, 0, "{log}");
    // As if it had been stopped before its end.
    fs::remove_file(folder.path().join("r/dense/metrics.json")).unwrap();
    let resume = || run(xtask(&["bench", "mock", "--resume"]).arg(folder.path().join("r")));
    let refused = |file: &str, change: &dyn Fn(&Path), named: &str| {
        let path = model.join(file);
        let before = fs::read(&path).unwrap();
        change(&path);
        let (code, _, log) = resume();
        assert!(code == 1 && log.contains(named), "{file}: {code}, {log}");
        fs::write(&path, before).unwrap();
    };
    let other_end = |path: &Path| fs::write(path, r#"{"eos_token_id": [6, 5]}"#).unwrap();
    refused("generation_config.json", &other_end, "model.stop_tokens");
    let longer = |path: &Path| fs::write(path, fs::read_to_string(path).unwrap() + " ").unwrap();
    refused("tokenizer_config.json", &longer, "model.files.tokenizer_config.json");
    refused("model.safetensors", &flip, "model.hash");
    let (code, _, log) = resume();
    assert_eq!(code, 0, "{log}");
}

/// Ctrl-C while the model loads, and twice while a context is read: both end at once, and no row fails.
#[test]
fn an_impatient_end_leaves_no_failed_row() {
    let results = tempfile::tempdir().unwrap();
    let loading = results.path().join("loading");
    let mut command = bench(results.path(), "loading");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("cargo runs");
    let begun = Instant::now();
    while !loading.join("run.json").exists() {
        assert!(begun.elapsed() < Duration::from_mins(5) && child.try_wait().unwrap().is_none(), "no run");
        std::thread::sleep(Duration::from_millis(2));
    }
    signal("-INT", &child);
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{log}");
    assert!(log.trim_end().ends_with(&format!("go on with --resume {}", loading.display())), "{log}");

    let journal = results.path().join("twice/dense/journal.jsonl");
    let child = start(&mut bench(results.path(), "twice"), &journal);
    signal("-INT", &child);
    std::thread::sleep(Duration::from_millis(100));
    signal("-INT", &child);
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{log}");
    assert!(!log.contains("FAILED") && !log.contains("Exception") && log.contains("--resume"), "{log}");
    assert!(!fs::read_to_string(journal).unwrap().contains("\"error\":\""));
    let mut resume = xtask(&["bench", "longbench", "--resume"]);
    let (code, _, log) = run(resume.arg(results.path().join("twice")));
    assert_eq!(code, 0, "{log}");
}
