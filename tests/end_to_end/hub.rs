//! Models that are named by a hub id: `--revision`, the commit in `config.json`, and `cargo xtask doctor MODEL`.
//!
//! The cache is laid out as Python's `huggingface_hub` leaves it; there is no network.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{run, xtask};
use crate::tiny_model;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A `HF_HOME` in which `tiny/llama` is at [`COMMIT`] on the branch `v1`.
fn hub_cache() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let repository = home.path().join("hub/models--tiny--llama");
    let (blobs, snapshot) = (repository.join("blobs"), repository.join("snapshots").join(COMMIT));
    tiny_model::write(&blobs, 0);
    fs::create_dir_all(&snapshot).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        symlink(Path::new("../../blobs").join(file), snapshot.join(file)).unwrap();
    }
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/v1"), COMMIT).unwrap();
    home
}

fn offline(arguments: &[&str], home: &TempDir) -> Command {
    let mut command = xtask(arguments);
    command.env("HF_HOME", home.path()).env_remove("HF_HUB_CACHE").env("HF_HUB_OFFLINE", "1");
    command
}

#[test]
fn the_commit_of_a_revision_is_in_config_json() {
    let home = hub_cache();
    let results = tempfile::tempdir().unwrap();
    let arguments =
        ["bench", "longbench", "--model", "tiny/llama", "--revision", "v1", "--subsets", "qasper"];
    let mut command = offline(&arguments, &home);
    command.args(["--max-samples", "1", "--answer-tokens", "2", "--attention", "dense", "--run-name", "r"]);
    let (code, _, log) = run(command.arg("--result-dir").arg(results.path()));
    assert_eq!(code, 0, "{log}");
    let config: PathBuf = results.path().join("r/dense/config.json");
    let config: Value = serde_json::from_str(&fs::read_to_string(config).unwrap()).unwrap();
    assert_eq!(config["model"]["name"], "tiny/llama");
    assert_eq!(config["model"]["source"], format!("tiny/llama@{COMMIT}"));
}

#[test]
fn a_revision_that_cannot_be_is_wrong_usage() {
    let home = hub_cache();
    let folder = home.path().to_str().unwrap();
    for (model, word) in
        [(folder, "a path, which has no revisions"), ("tiny/llama@v1", "has a revision already")]
    {
        let (code, _, log) = run(&mut offline(&["doctor", model, "--revision", "v1"], &home));
        assert_eq!(code, 2, "{log}");
        assert!(log.contains("--revision") && log.contains(word), "{log}");
    }
}

#[test]
fn the_doctor_finds_nothing_where_all_is_well() {
    let home = hub_cache();
    for arguments in [
        vec!["doctor", "tiny/llama", "--revision", "v1"],
        vec!["doctor", "tiny/llama", "--revision", COMMIT],
        vec!["doctor", "smollm2-135m-instruct"],
    ] {
        let (code, report, log) = run(&mut offline(&arguments, &home));
        assert_eq!(code, 0, "{arguments:?}: {report}{log}");
        assert!(
            report.lines().any(|line| line.starts_with("ok       model") && line.ends_with("loads")),
            "{report}"
        );
    }
}

#[test]
fn the_doctor_names_everything_that_a_folder_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = |file: &str| folder.path().join(file);
    tiny_model::write(folder.path(), 0);
    fs::remove_file(path("tokenizer.json")).unwrap();
    fs::rename(path("model.safetensors"), path("pytorch_model.bin")).unwrap();
    fs::write(path("config.json"), r#"{"model_type": "mamba"}"#).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (code, report, log) = run(&mut offline(&["doctor", folder.path().to_str().unwrap()], &home));
    assert_eq!(code, 1, "{report}{log}");
    for words in ["safe_serialization=True", "AutoTokenizer", "`model_type` is `mamba`"] {
        let found = report.lines().find(|line| line.contains(words));
        assert!(found.is_some_and(|line| line.starts_with("PROBLEM  ")), "{words} is not in\n{report}");
    }
    assert!(log.contains("3 of ") && log.contains("cannot be run"), "{log}");
    let (code, report, _) = run(&mut offline(&["doctor", "tiny/llama"], &home));
    assert_eq!(code, 1);
    assert!(report.contains("HF_HUB_OFFLINE"), "{report}");
}
