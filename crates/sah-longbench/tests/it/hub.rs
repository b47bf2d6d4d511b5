//! Samples from the hub, by way of its cache.
//!
//! Where the cache lies is said by environment variables, so the loading itself is a test of its own that
//! [`the_hub_s_files_are_read_from_its_cache`] starts in another process.

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use sah_bench_core::{Benchmark, NoTokenizer};
use sah_longbench::{DataSource, LongBench};

use super::parquet_file::{self, two_rows};

#[test]
#[ignore = "started by the_hub_s_files_are_read_from_its_cache, with a cache of its own"]
fn load_two_configs_from_the_hub() {
    let samples = LongBench::new(DataSource::Hub).load(&["qasper_e", "musique"], &NoTokenizer);
    // The text that a user sees, for the test that starts this one.
    let samples = samples.unwrap_or_else(|error| panic!("{error}"));
    let tasks: Vec<_> = samples.iter().map(|sample| sample.task.as_str()).collect();
    assert_eq!(tasks, ["qasper_e", "qasper_e", "musique", "musique"]);
}

/// Runs the test above with `home` as the hub's, without network.
fn load(home: &Path) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "hub::load_two_configs_from_the_hub", "--ignored", "--nocapture"])
        .env("HF_HOME", home)
        .env_remove("HF_HUB_CACHE")
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .unwrap()
}

#[test]
fn the_hub_s_files_are_read_from_its_cache() {
    let home = tempfile::tempdir().unwrap();
    let repository = home.path().join("hub/datasets--Xnhyacinth--LongBench");
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/main"), "0123abc").unwrap();
    for config in ["qasper_e", "musique"] {
        let file = format!("snapshots/0123abc/{config}/test-00000-of-00001.parquet");
        parquet_file::write(&repository.join(file), two_rows());
    }
    let output = load(home.path());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
}

#[test]
fn a_file_that_the_cache_lacks_is_named() {
    let home = tempfile::tempdir().unwrap();
    let output = load(home.path());
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    for part in ["Xnhyacinth/LongBench", "qasper_e/test-00000-of-00001.parquet", "HF_HUB_OFFLINE"] {
        assert!(text.contains(part), "{part} not in {text}");
    }
}
