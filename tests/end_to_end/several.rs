//! Several benchmarks in one run: killed in the middle, with broken data of one, and shown on one page.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::{run, with_counting};
use crate::tiny_model;

const ATTENTIONS: [&str; 2] = ["dense", "streaming_llm"];

/// A tiny model, and a plan for three benchmarks: the questions of the last are in a file that is yet to be written.
fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(&folder.path().join("model"), 0);
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "benchmark = [\"mock\", \"counting\", \"custom\"]\nmodel = \"{0}/model\"\n\
         attention = [\"dense\", \"streaming_llm\"]\nanswer-tokens = 2\nresult-dir = \"{0}\"\n\
         [counting]\nup-to = 3\n[custom]\ndata = \"{0}/questions.jsonl\"\nmetric = \"f1\"\n",
        folder.path().display()
    );
    fs::write(&plan, text).unwrap();
    (folder, plan)
}

fn write_questions(folder: &Path) {
    let row = r#"{"context": "a b c", "question": "d", "answers": ["b"], "max_new_tokens": 2}"#;
    fs::write(folder.join("questions.jsonl"), format!("{row}\n")).unwrap();
}

fn bench(plan: &Path, name: &str, more: &[&str]) -> Command {
    let mut command = with_counting(&["bench", "--run-name", name, "--config"]);
    command.arg(plan).args(more);
    command
}

fn resume(run: &Path, more: &[&str]) -> Command {
    let mut command = with_counting(&["bench", "--resume"]);
    command.arg(run).args(more);
    command
}

/// Metrics and configuration of the runs are the same in every byte.
fn check_equal(one: &Path, other: &Path, benchmarks: &[&str]) {
    for benchmark in benchmarks {
        for attention in ATTENTIONS {
            for file in ["metrics.json", "config.json"] {
                let read =
                    |run: &Path| fs::read_to_string(run.join(benchmark).join(attention).join(file)).unwrap();
                assert_eq!(read(one), read(other), "{benchmark}/{attention}/{file}");
            }
        }
    }
}

#[test]
fn a_run_that_is_killed_in_its_second_benchmark_goes_on_and_is_shown() {
    let (folder, plan) = folder();
    let path = |name: &str| folder.path().join(name);
    write_questions(folder.path());
    let (code, told, log) = run(&mut bench(&plan, "none", &["--dry-run"]));
    assert_eq!(code, 0, "{log}");
    for words in ["mock\n", "| reading_comprehension |", "counting\n", "| long ", "custom\n"] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    assert!(!path("none").exists());

    let (code, tables, log) = run(&mut bench(&plan, "whole", &[]));
    assert_eq!(code, 0, "{log}");
    for words in ["| score", "mock (0 to 100)", "counting (0 to 1)", "custom (0 to 100)"] {
        assert!(tables.contains(words), "{words} is not in\n{tables}");
    }
    assert!(tables.ends_with(&format!("results in {}\n", path("whole").display())), "{tables}");
    // Once there is a run, there is an estimate.
    let (code, told, log) = run(&mut bench(&plan, "none", &["--dry-run"]));
    assert!(code == 0 && told.contains("\n3 benchmarks in about "), "{told}{log}");

    let killed = bench(&plan, "killed", &[]).env("COUNTING_DIES", "1").output().unwrap();
    assert_eq!(killed.status.signal(), Some(6));
    assert!(path("killed/mock/streaming_llm/metrics.json").exists());
    let journal = path("killed/counting/dense/journal.jsonl");
    let kept: Vec<String> = fs::read_to_string(&journal).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(kept.len(), 6);
    fs::write(&journal, kept[..5].join("\n") + "\n").unwrap();
    // A report of what there is says what is missing.
    let (code, page, log) = run(with_counting(&["report"]).arg(path("killed")));
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("left out: ") && log.contains("killed/counting: "), "{log}");
    let html = fs::read_to_string(page.trim_end()).unwrap();
    assert!(
        html.contains("killed/counting") && html.contains("killed/custom"),
        "what is missing is on the page"
    );
    let (code, _, log) = run(&mut resume(&path("killed"), &[]));
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("/5] reading_comprehension"), "what is finished stays as it is: {log}");
    check_equal(&path("killed"), &path("whole"), &["mock", "counting", "custom"]);

    // Each is a run of its own, and all of them have one page.
    let (code, table, log) = run(with_counting(&["results"]).arg(path("killed")));
    assert_eq!(code, 0, "{log}");
    assert_eq!(table.matches("complete").count(), 6, "{table}");
    let (code, _, log) = run(&mut resume(&path("killed/counting"), &[]));
    assert_eq!(code, 0, "{log}");
    let (code, page, log) = run(with_counting(&["report"]).arg(path("killed")));
    assert!(code == 0 && !log.contains("left out"), "{log}");
    let html = fs::read_to_string(page.trim_end()).unwrap();
    for part in
        ["mock, counting, custom</h1>", "<h2 id=\"counting-part\">", "counting (0 to 1)", "custom-scores"]
    {
        assert!(html.contains(part), "no {part}");
    }
    assert!(path("killed/report/counting/tables/scores.csv").exists());
    let (code, tables, log) = run(with_counting(&["compare"]).arg(path("killed")).arg(path("whole")));
    assert_eq!(code, 0, "{log}");
    for words in [
        "killed/streaming_llm - killed/dense",
        "whole/dense - killed/dense",
        "| killed ",
        "counting (0 to 1)",
    ] {
        assert!(tables.contains(words), "{words} is not in\n{tables}");
    }
    let (code, _, log) = run(with_counting(&["report"]).arg(path("killed/mock")));
    assert_eq!(code, 0, "{log}");
    let (code, _, log) = run(&mut resume(&path("killed"), &["--cell", "dense"]));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("is a run of several benchmarks; name"), "{log}");
    let mut other = with_counting(&["bench", "aime2024", "--resume"]);
    let (code, _, log) = run(other.arg(path("killed")));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("is a run of mock, counting, custom, not of aime2024"), "{log}");
}

#[test]
fn a_benchmark_without_its_data_costs_no_other() {
    let (folder, plan) = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("questions.jsonl"), "{\n").unwrap();
    let (code, tables, log) = run(&mut bench(&plan, "cut", &[]));
    assert_eq!(code, 4, "{log}");
    for words in [
        "warning: custom cannot be run: ",
        "error: custom failed: ",
        "questions.jsonl",
        "1 of 3 benchmarks failed",
    ] {
        assert!(log.contains(words), "{words} is not in\n{log}");
    }
    assert!(log.contains(&format!("go on with --resume {}", path("cut").display())), "{log}");
    assert!(tables.contains("counting (0 to 1)") && !tables.contains("custom"), "{tables}");
    assert!(!path("cut/custom").exists());

    write_questions(folder.path());
    let (code, _, log) = run(&mut resume(&path("cut"), &[]));
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("[dense 1/1]") && !log.contains("[dense 1/5]"), "only what is missing: {log}");
    let (code, _, log) = run(&mut bench(&plan, "whole", &[]));
    assert_eq!(code, 0, "{log}");
    check_equal(&path("cut"), &path("whole"), &["mock", "counting", "custom"]);
    for file in ["run.json", "custom/run.json", "custom/comparison.json"] {
        assert!(path("cut").join(file).exists(), "{file}");
    }
    // Results are never overwritten.
    let (code, _, log) = run(&mut bench(&plan, "whole", &[]));
    assert_eq!(code, 1, "{log}");
    assert!(log.contains("whole/mock/dense"), "{log}");
}

#[test]
fn mistakes_are_found_before_anything_is_begun() {
    let (folder, plan) = folder();
    write_questions(folder.path());
    let text = fs::read_to_string(&plan).unwrap();
    for (from, to, words) in [
        (
            "answer-tokens = 2",
            "up-to = 2",
            "line 4: mock has no option up-to; put it in the table [counting]",
        ),
        ("[custom]", "[custom]\nsubsets = \"no\"", "custom: "),
        ("metric = \"f1\"", "", "custom: "),
        ("up-to = 3", "up-to = 3\ntruncation = \"middle\"", "counting: --truncation has no effect"),
    ] {
        fs::write(&plan, text.replace(from, to)).unwrap();
        let (code, _, log) = run(&mut bench(&plan, "none", &[]));
        assert_eq!(code, 2, "{to}: {log}");
        assert!(log.contains(words), "{words} is not in\n{log}");
        assert!(!folder.path().join("none").exists(), "{to}");
    }
    for (line, words) in [
        (
            &["bench", "mock,counting", "--up-to", "2"][..],
            "mock has no --up-to; write a plan (--config) with up-to in the table [counting]",
        ),
        (&["bench", "mock,contuing"], "there is no benchmark \"contuing\""),
        (&["bench", "mock,mock"], "mock is named twice"),
        (&["bench", "--max-samples", "2", "mock"], "--max-samples before mock: write options behind it"),
        (&["bench", "--max-samples", "2"], "name a benchmark, several as NAME,NAME, or a plan with --config"),
    ] {
        let (code, _, log) = run(&mut with_counting(line));
        assert_eq!(code, 2, "{line:?}: {log}");
        assert!(log.contains(words), "{words} is not in\n{log}");
    }
    let (code, help, _) = run(&mut with_counting(&["bench", "mock,counting", "--help"]));
    assert!(code == 0 && help.contains("--max-samples <N>") && !help.contains("--up-to"), "{help}");
}

#[test]
fn they_are_run_in_shards_and_by_a_scheduler() {
    let (folder, plan) = folder();
    let path = |name: &str| folder.path().join(name);
    write_questions(folder.path());
    let (code, _, log) = run(&mut bench(&plan, "whole", &[]));
    assert_eq!(code, 0, "{log}");
    let two = [
        "--attention",
        "dense,streaming_llm",
        "--answer-tokens",
        "2",
        "--shards",
        "2",
        "--run-name",
        "divided",
    ];
    let mut divided = with_counting(&[&["bench", "mock,counting", "--model"][..]].concat());
    divided.arg(path("model")).args(two).arg("--result-dir").arg(folder.path());
    let (code, _, log) = run(&mut divided);
    assert_eq!(code, 0, "{log}");
    check_equal(&path("divided"), &path("whole"), &["mock"]);

    let (code, scripts, log) = run(with_counting(&["submit", "slurm", "--dry-run"]).arg(&plan));
    assert_eq!(code, 0, "{log}");
    assert!(scripts.contains("#SBATCH --array=0-5\n"), "two cells for each of three benchmarks: {scripts}");
    for benchmark in ["mock", "counting", "custom"] {
        assert_eq!(scripts.matches(&format!("/{benchmark}'\n")).count(), 2, "{scripts}");
    }
    assert_eq!(scripts.matches("with_counting' bench --resume ").count(), 2, "{scripts}");
}
