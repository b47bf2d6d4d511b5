//! A benchmark that is not built in goes through everything that the command line does with one.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{run, with_counting};
use crate::tiny_model;

/// A tiny model, and a plan for three texts of each subset.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(&folder.path().join("model"), 0);
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "benchmark = \"counting\"\nup-to = 3\nmodel = \"{0}/model\"\nattention = [\"dense\", \"streaming_llm\"]\n\
         result-dir = \"{0}\"\n",
        folder.path().display()
    );
    fs::write(&plan, text).unwrap();
    (folder, plan)
}

fn bench(plan: &Path, name: &str, more: &[&str]) -> Command {
    let mut command = with_counting(&["bench", "counting", "--run-name", name, "--config"]);
    command.arg(plan).args(more);
    command
}

fn resume(run: &Path) -> Command {
    let mut command = with_counting(&["bench", "counting", "--resume"]);
    command.arg(run);
    command
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Metrics and configuration of the runs are the same in every byte.
fn check_equal(one: &Path, other: &Path) {
    for attention in ["dense", "streaming_llm"] {
        for file in ["metrics.json", "config.json"] {
            let read = |run: &Path| fs::read_to_string(run.join(attention).join(file)).unwrap();
            assert_eq!(read(one), read(other), "{attention}/{file}");
        }
    }
}

#[test]
fn it_is_run_interrupted_resumed_and_divided() {
    let (folder, plan) = folder();
    let path = |name: &str| folder.path().join(name);
    let (code, told, log) = run(&mut bench(&plan, "none", &["--dry-run"]));
    assert_eq!(code, 0, "{log}");
    assert!(told.contains("| short ") && told.contains("| total  |    6 |"), "{told}");

    let (code, tables, log) = run(&mut bench(&plan, "whole", &["--chat-template", "counting"]));
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("note: these texts say nothing"), "{log}");
    assert!(tables.contains("score (0 to 1)") && tables.contains("| long few "), "{tables}");
    let config = json(&path("whole/dense/config.json"));
    assert_eq!(config["benchmark"], "counting");
    assert_eq!(config["data"]["location"], "up to 3");
    assert_eq!(config["chat_template"]["mode"], "counting");
    // The tokenizer takes any text for one token, and was there before the model.
    let rows = fs::read_to_string(path("whole/dense/raw_results.csv")).unwrap();
    assert!(rows.contains("counted") && rows.contains("\"[\"\"1\"\"]\""), "{rows}");
    assert_eq!(run(&mut bench(&plan, "undisturbed", &[])).0, 0);

    // Killed when all rows of the first attention are answered; then one of them is lost, too.
    let killed = bench(&plan, "killed", &[]).env("COUNTING_DIES", "1").output().unwrap();
    assert_eq!(killed.status.signal(), Some(6));
    assert!(!path("killed/dense/metrics.json").exists());
    let journal = path("killed/dense/journal.jsonl");
    let kept: Vec<String> = fs::read_to_string(&journal).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(kept.len(), 6);
    fs::write(&journal, kept[..5].join("\n") + "\n").unwrap();
    let (code, _, log) = run(&mut resume(&path("killed")));
    assert_eq!(code, 0, "{log}");
    check_equal(&path("killed"), &path("undisturbed"));

    // In shards, by processes that must know the benchmark and its flags; one of them has no network at first.
    let mut divided = bench(&plan, "divided", &["--shards", "2", "--jobs", "1"]);
    let (code, _, log) = run(divided.env("COUNTING_OFFLINE_ONCE", path("offline")));
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("the server is asleep; trying again in 5 s"), "{log}");
    check_equal(&path("divided"), &path("undisturbed"));
}

#[test]
fn it_is_reported_compared_listed_and_scored() {
    let (folder, plan) = folder();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(run(&mut bench(&plan, "one", &[])).0, 0);
    let (code, page, log) = run(with_counting(&["report"]).arg(path("one")));
    assert_eq!(code, 0, "{log}");
    let html = fs::read_to_string(page.trim_end()).unwrap();
    for words in ["counting: ", "from 0 to 1;", "Size buckets", "size of the text in letters"] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("0 to 100"), "a figure that is none of this benchmark's");
    let (code, table, log) = run(with_counting(&["compare"]).arg(path("one")));
    assert_eq!(code, 0, "{log}");
    assert!(table.contains("long few") && table.contains("differences are beyond noise"), "{table}");
    let (code, table, log) = run(with_counting(&["results"]).arg(path("one")));
    assert_eq!(code, 0, "{log}");
    assert!(table.contains("complete"), "{table}");

    // Runs of two benchmarks are shown one after the other, and a program that does not know one says so.
    let mut mock = with_counting(&["bench", "mock", "--run-name", "mock", "--answer-tokens", "2", "--model"]);
    mock.arg(path("model")).arg("--result-dir").arg(folder.path());
    let (code, _, log) = run(&mut mock);
    assert_eq!(code, 0, "{log}");
    let (code, page, log) = run(with_counting(&["report"]).arg(path("mock")));
    assert_eq!(code, 0, "{log}");
    assert!(fs::read_to_string(page.trim_end()).unwrap().contains("mock: "));
    let (code, tables, log) = run(with_counting(&["compare"]).arg(path("one")).arg(path("mock")));
    assert_eq!(code, 0, "{log}");
    assert!(tables.contains("counting (0 to 1)") && tables.contains("mock (0 to 100)"), "{tables}");
    let (code, _, log) = run(crate::command::xtask(&["report"]).arg(path("one")));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("there is no benchmark \"counting\"; there is longbench, "), "{log}");

    fs::write(path("answers.txt"), "b\na\nabc\n").unwrap();
    let mut score = with_counting(&["score", "counting", "--predictions"]);
    let (code, table, log) = run(score.arg(folder.path()).arg("--json").arg(path("scores.json")));
    assert_eq!(code, 0, "{log}");
    assert!(table.contains("| all     |     2 |") && log.contains("3 rows scored"), "{table}{log}");
    assert_eq!(json(&path("scores.json"))["right"], 2);
    let (code, _, log) = run(&mut with_counting(&["score", "mock", "--predictions", "x"]));
    assert_eq!(code, 2, "{log}");
}

#[test]
fn its_jobs_of_slurm_go_on_with_its_run() {
    let (folder, plan) = folder();
    let (code, scripts, log) = run(with_counting(&["submit", "slurm", "--dry-run"]).arg(&plan));
    assert_eq!(code, 0, "{log}");
    assert_eq!(scripts.matches(" bench --resume ").count(), 2, "{scripts}");
    assert!(scripts.contains("with_counting' report "), "{scripts}");
    assert!(!scripts.contains("longbench"), "{scripts}");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, text.replace("benchmark = \"counting\"\n", "")).unwrap();
    let (code, _, log) = run(with_counting(&["submit", "slurm", "--dry-run"]).arg(&plan));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("write benchmark = \"NAME\""), "{log}");
    drop(folder);
}
