//! Runs of several models with several attentions, each cell in a process of its own, and what may happen to these.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{run, xtask};
use crate::resume::{rows, signal};
use crate::tiny_model;

const ATTENTIONS: [&str; 2] = ["dense", "streaming_llm"];

/// Two tiny models, and a plan for both.
fn two_models() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (kind, name) in ["a", "b"].into_iter().enumerate() {
        tiny_model::write(&folder.path().join(name), kind);
    }
    let plan = folder.path().join("plan.toml");
    let text = format!(
        "benchmark = \"longbench\"\nmodel = [\"{0}/a\", \"{0}/b\"]\nattention = [\"dense\", \"streaming_llm\"]\n\
         subsets = [\"qasper\", \"trec\"]\nmax-samples = 2\nanswer-tokens = 3\n",
        folder.path().display()
    );
    fs::write(&plan, text).unwrap();
    (folder, plan)
}

/// The matrix of `plan` in `results/name`.
fn matrix(plan: &Path, results: &Path, name: &str, more: &[&str]) -> Command {
    let mut command = xtask(&["bench", "longbench", "--run-name", name]);
    command.arg("--config").arg(plan).arg("--result-dir").arg(results).args(more);
    command
}

fn resume(run: &Path, more: &[&str]) -> Command {
    let mut command = xtask(&["bench", "longbench", "--resume"]);
    command.arg(run).args(more);
    command
}

/// Everything but times is the same in the folders of two cells.
fn check_cell(found: &Path, expected: &Path) {
    assert_eq!(rows(found), rows(expected), "{}", found.display());
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> =
            entries.filter(|path| path.is_file()).map(|path| path.file_name().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(found), names(expected));
    for file in ["metrics.json", "config.json"] {
        let [found, expected] =
            [found, expected].map(|folder| fs::read_to_string(folder.join(file)).unwrap());
        assert_eq!(found, expected, "{file}");
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .unwrap()
}

/// Waits until a process works for the run of one model, and for `cell` where one is named, and gives its id; none where the
/// matrix ends before.
#[cfg(target_os = "linux")]
fn worker(matrix: &mut Child, run: &Path, cell: Option<&str>) -> Option<u32> {
    let option = cell.map(|cell| format!("--cell={cell}"));
    let wanted: Vec<&str> =
        ["--worker", run.to_str().unwrap()].into_iter().chain(option.as_deref()).collect();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_mins(2) {
        if matrix.try_wait().unwrap().is_some() {
            return None;
        }
        for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Ok(id) = entry.file_name().to_string_lossy().parse() else { continue };
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let arguments: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            if wanted.iter().all(|wanted| arguments.iter().any(|argument| argument == wanted)) {
                return Some(id);
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("nobody works for {}", run.display());
}

fn kill(id: u32, how: &str) {
    assert!(Command::new("kill").args([how, &id.to_string()]).status().unwrap().success());
}

#[test]
fn a_plan_is_told_and_nothing_is_run() {
    let (folder, plan) = two_models();
    let (code, told, log) = run(&mut matrix(&plan, folder.path(), "none", &["--dry-run"]));
    assert_eq!(code, 0, "{log}");
    for words in
        ["a/dense", "b/streaming_llm", "| qasper ", "| total  |    4 |", "no finished run", "4 bytes"]
    {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    assert!(!folder.path().join("none").exists());

    // A flag counts instead of the file.
    let fewer = ["--dry-run", "--attention", "dense", "--subsets", "trec"];
    let (_, told, _) = run(&mut matrix(&plan, folder.path(), "none", &fewer));
    assert!(
        !told.contains("streaming_llm") && !told.contains("qasper") && told.contains("b/dense"),
        "{told}"
    );

    // Once there is a run, there is an estimate.
    let (code, _, log) = run(&mut matrix(&plan, folder.path(), "one", &[]));
    assert_eq!(code, 0, "{log}");
    let (_, told, _) = run(&mut matrix(&plan, folder.path(), "none", &["--dry-run"]));
    assert!(told.contains("in total about") && told.contains("one/b/streaming_llm: "), "{told}");
}

#[test]
fn mistakes_in_a_plan_are_named() {
    let (folder, plan) = two_models();
    let text = fs::read_to_string(&plan).unwrap();
    for (change, words) in [
        (
            "atention = \"dense\"",
            "plan.toml, line 7: there is no option \"atention\"; did you mean attention or ",
        ),
        ("truncation = \"tail\"", "--truncation"),
        ("resume = \"x\"", "line 7: resume is given on the command line, not in a file"),
    ] {
        fs::write(&plan, format!("{text}{change}\n")).unwrap();
        let (code, _, log) = run(&mut matrix(&plan, folder.path(), "none", &[]));
        assert_eq!(code, 2, "{log}");
        assert!(log.contains(words) && log.contains("plan.toml"), "{log}");
    }
    fs::write(&plan, text).unwrap();
    let twice = folder.path().join("c/a");
    tiny_model::write(&twice, 2);
    let models = format!("{0}/a,{0}/c/a", folder.path().display());
    let models: Vec<&str> = models.split(',').collect();
    let (code, _, log) = run(&mut matrix(&plan, folder.path(), "none", &["--model", models[0], models[1]]));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("would share the result folder a"), "{log}");
    assert!(!folder.path().join("none").exists());
}

#[test]
fn a_model_that_cannot_be_loaded_takes_no_other_with_it() {
    let (folder, plan) = two_models();
    let (code, tables, log) = run(&mut matrix(&plan, folder.path(), "whole", &["--jobs", "2"]));
    assert_eq!(code, 0, "{log}");
    assert_eq!(tables.matches("| overall").count(), 2, "{tables}");

    let weights = folder.path().join("b/model.safetensors");
    let whole = fs::read(&weights).unwrap();
    fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    let (code, tables, log) = run(&mut matrix(&plan, folder.path(), "broken", &["--jobs", "2"]));
    assert_eq!(code, 4, "{log}");
    assert_eq!(tables.matches("| overall").count(), 1, "{tables}");
    let broken = folder.path().join("broken");
    for words in [
        "error: b/dense failed: ",
        "error: b/streaming_llm failed: ",
        "model.safetensors",
        "2 of 4 cells failed",
    ] {
        assert!(log.contains(words), "{words} is not in\n{log}");
    }
    assert!(log.contains(&format!("--resume {}", broken.display())), "{log}");
    assert!(!log.contains("trying again"), "a broken file does not mend itself: {log}");
    assert_eq!(json(&broken.join("b/dense/failure.json"))["kind"], "model");
    assert!(broken.join("a/comparison.json").exists() && !broken.join("b/comparison.json").exists());

    fs::write(&weights, &whole).unwrap();
    let (code, _, log) = run(&mut resume(&broken, &[]));
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("a/dense 2/4"), "what is finished stays as it is: {log}");
    for model in ["a", "b"] {
        for attention in ATTENTIONS {
            let cell = |name: &str| folder.path().join(name).join(model).join(attention);
            check_cell(&cell("broken"), &cell("whole"));
        }
        assert!(broken.join(model).join("comparison.json").exists());
    }
    // The folder of a model is a run of its own.
    let (code, tables, log) = run(&mut resume(&broken.join("b"), &[]));
    assert_eq!(code, 0, "{log}");
    assert_eq!(tables.matches("| overall").count(), 1, "{tables}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_is_killed_or_hangs_costs_its_own_cell_only() {
    let (folder, plan) = two_models();
    let killed = folder.path().join("killed");
    let mut command = matrix(&plan, folder.path(), "killed", &["--jobs", "2", "--timeout", "20s"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    kill(worker(&mut child, &killed.join("a"), Some("dense")).unwrap(), "-KILL");
    // This one cannot answer a signal that it could answer.
    let hangs = worker(&mut child, &killed.join("b"), Some("streaming_llm")).unwrap();
    kill(hangs, "-STOP");
    let output = child.wait_with_output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{log}");
    assert!(log.contains("error: a/dense failed: ended by signal 9"), "{log}");
    assert!(log.contains("error: b/streaming_llm failed: stopped after 20 s (--timeout)"), "{log}");
    assert!(!Path::new(&format!("/proc/{hangs}")).exists(), "it is gone");
    assert_eq!(json(&killed.join("a/dense/failure.json"))["kind"], "killed");
    assert_eq!(json(&killed.join("b/streaming_llm/failure.json"))["kind"], "timed_out");
    for cell in ["a/streaming_llm", "b/dense"] {
        assert!(killed.join(cell).join("metrics.json").exists(), "{cell}");
    }

    let (code, _, log) = run(&mut resume(&killed, &[]));
    assert_eq!(code, 0, "{log}");
    let (code, _, log) = run(&mut matrix(&plan, folder.path(), "whole", &["--jobs", "2"]));
    assert_eq!(code, 0, "{log}");
    for cell in ["a/dense", "a/streaming_llm", "b/dense", "b/streaming_llm"] {
        check_cell(&killed.join(cell), &folder.path().join("whole").join(cell));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn when_the_matrix_is_killed_so_are_its_processes() {
    let (folder, plan) = two_models();
    let mut command = matrix(&plan, folder.path(), "orphans", &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let run_dir = folder.path().join("orphans");
    let id = worker(&mut child, &run_dir.join("a"), Some("dense")).unwrap();
    kill(id, "-STOP");
    child.kill().unwrap();
    child.wait().unwrap();
    kill(id, "-CONT");
    let begun = Instant::now();
    while Path::new(&format!("/proc/{id}")).exists() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{id} works on for nobody");
        std::thread::sleep(Duration::from_millis(20));
    }
    let (code, _, log) = run(&mut resume(&run_dir, &[]));
    assert_eq!(code, 0, "{log}");
}

/// A hub that nobody can reach: tried again, for all rows of the data are there.
#[test]
fn what_may_pass_is_tried_again() {
    let (folder, plan) = two_models();
    let own = folder.path().join("a");
    let more = ["--model", own.to_str().unwrap(), "tiny/nowhere", "--attention", "dense", "--retries", "1"];
    let home = tempfile::tempdir().unwrap();
    let mut command = matrix(&plan, folder.path(), "unreachable", &more);
    command.env("HF_HOME", home.path()).env("HF_ENDPOINT", "http://127.0.0.1:9");
    command.env_remove("HF_HUB_CACHE").env_remove("HF_HUB_OFFLINE").env("NO_PROXY", "127.0.0.1");
    let (code, tables, log) = run(&mut command);
    assert_eq!(code, 4, "{log}");
    assert!(log.contains("trying again in 5 s (1 of 1)"), "{log}");
    assert!(
        log.contains("error: tiny_nowhere/dense failed: ") && tables.contains("| overall"),
        "{log}{tables}"
    );
    let failure = json(&folder.path().join("unreachable/tiny_nowhere/dense/failure.json"));
    assert_eq!(failure["kind"], "network");

    // Whoever starts a cell alone is told so, too.
    let mut cell = resume(&folder.path().join("unreachable/tiny_nowhere"), &["--cell", "dense"]);
    cell.env("HF_HOME", home.path()).env("HF_ENDPOINT", "http://127.0.0.1:9");
    cell.env_remove("HF_HUB_CACHE").env_remove("HF_HUB_OFFLINE").env("NO_PROXY", "127.0.0.1");
    let (code, _, log) = run(&mut cell);
    assert_eq!(code, 75, "{log}");
}

/// With the default model, whose rows take a while.
#[test]
#[cfg(target_os = "linux")]
fn a_matrix_that_is_interrupted_several_times_equals_one_that_is_not() {
    let results = tempfile::tempdir().unwrap();
    let bench = |name: &str| {
        let fixed = ["bench", "longbench", "--subsets", "qasper,trec", "--max-samples", "2", "--jobs", "2"];
        let mut command = xtask(&[&fixed[..], &["--answer-tokens", "3", "--run-name", name]].concat());
        command.arg("--result-dir").arg(results.path());
        command
    };
    let (code, _, log) = run(&mut bench("undisturbed"));
    assert_eq!(code, 0, "{log}");
    let run_dir = results.path().join("stopped");
    let mut command = bench("stopped");
    for (how, expected) in [("-INT", Some(130)), ("-KILL", None), ("-TERM", Some(130))] {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        if worker(&mut child, &run_dir, None).is_some() {
            // Somewhere between the start of the processes and their end.
            let row =
                |attention: &str| fs::metadata(run_dir.join(attention).join("journal.jsonl")).unwrap().len();
            let before = ATTENTIONS.map(row);
            while ATTENTIONS.map(row) == before && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(2));
            }
            if child.try_wait().unwrap().is_none() {
                signal(how, &child);
            }
        }
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        // All may have been done when the signal came.
        assert!([expected, Some(0)].contains(&output.status.code()), "{how}: {:?} {log}", output.status);
        if output.status.code() == Some(130) {
            assert!(log.contains("cells to do") && log.contains("--resume"), "{log}");
        }
        command = resume(&run_dir, &[]);
    }
    let (code, tables, log) = run(&mut resume(&run_dir, &[]));
    assert_eq!(code, 0, "{log}");
    assert!(tables.contains("streaming_llm - dense"), "{tables}");
    for attention in ATTENTIONS {
        check_cell(&run_dir.join(attention), &results.path().join("undisturbed").join(attention));
    }
}

#[test]
fn shards_make_up_the_undivided_matrix() {
    let (folder, plan) = two_models();
    let (code, expected, log) = run(&mut matrix(&plan, folder.path(), "whole", &["--jobs", "1"]));
    assert_eq!(code, 0, "{log}");
    let (code, tables, log) =
        run(&mut matrix(&plan, folder.path(), "divided", &["--shards", "2", "--jobs", "1"]));
    assert_eq!(code, 0, "{log}");
    let scores = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.contains("trec") || line.contains("overall"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(scores(&tables), scores(&expected));
    for cell in ["a/dense", "a/streaming_llm", "b/dense", "b/streaming_llm"] {
        check_cell(&folder.path().join("divided").join(cell), &folder.path().join("whole").join(cell));
    }

    // Part by part, as a scheduler does it.
    let none = ["--dry-run", "--shards", "2"];
    assert_eq!(run(&mut matrix(&plan, folder.path(), "none", &none)).0, 0);
    let by_hand = folder.path().join("divided");
    let one = by_hand.join("b/dense");
    fs::remove_dir_all(&one).unwrap();
    let (code, _, log) = run(&mut resume(&by_hand, &["--collect"]));
    assert_eq!(code, 4, "{log}");
    assert!(log.contains("b/dense failed: not finished") && log.contains("1 of 4 cells"), "{log}");
    for shard in ["1/2", "2/2"] {
        let part = ["--cell", "dense", "--shard", shard];
        let (code, _, log) = run(&mut resume(&by_hand.join("b"), &part));
        assert_eq!(code, 0, "{log}");
    }
    let (code, tables, log) = run(&mut resume(&by_hand, &["--collect"]));
    assert_eq!(code, 0, "{log}");
    assert_eq!(scores(&tables), scores(&expected));
    check_cell(&one, &folder.path().join("whole/b/dense"));

    let (code, _, log) = run(&mut resume(&by_hand.join("b"), &["--cell", "dense", "--shard", "1/3"]));
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("divided into 2"), "{log}");
}
