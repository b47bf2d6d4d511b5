//! Rows from the hub, by way of its cache, whose place an environment variable says: loading is a test of its own that another
//! process runs.

use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark, NoTokenizer, Value};
use sah_ruler::{HUB_ID, Rows, Ruler};

use super::dataset::write;

#[test]
#[ignore = "started by the other tests, with a cache of its own"]
fn load_two_lengths() {
    let rows = Rows::Files { source: DataSource::Hub, hub_id: HUB_ID.to_owned(), lengths: vec![4096, 8192] };
    let rows = Ruler::new(rows).load(&["vt"], &NoTokenizer).unwrap_or_else(|error| panic!("{error}"));
    let lengths: Vec<&Value> = rows.iter().map(|row| &row.extra[1]).collect();
    assert_eq!(lengths, [4096, 8192, 4096, 8192].map(Value::Integer).iter().collect::<Vec<_>>());
}

fn load(home: &Path) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "hub::load_two_lengths", "--ignored", "--nocapture"])
        .env("HF_HOME", home)
        .env_remove("HF_HUB_CACHE")
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .unwrap()
}

#[test]
fn a_config_may_have_several_files_and_its_card_says_which() {
    let home = tempfile::tempdir().unwrap();
    let repository = home.path().join("hub/datasets--simonjegou--ruler");
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::write(repository.join("refs/main"), "0123abc").unwrap();
    let snapshot = repository.join("snapshots/0123abc");
    for file in ["4096/test-00000-of-00001.parquet", "8192/test-00000-of-00001.parquet"] {
        write(&snapshot.join(file), ["vt", "vt"]);
    }
    let is_loaded = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout);
        output.status.success() && text.contains("1 passed")
    };
    let output = load(home.path());
    assert!(is_loaded(&output), "{output:?}");

    for part in 0..2 {
        write(&snapshot.join(format!("other/rows-0000{part}-of-00002.parquet")), ["vt", "cwe"]);
    }
    let config = |name: &str, path: &str| {
        format!("- config_name: '{name}'\n  data_files:\n  - split: test\n    path: {path}\n")
    };
    let card = config("4096", "4096/test-*") + &config("8192", "other/rows-*");
    fs::write(snapshot.join("README.md"), format!("---\nconfigs:\n{card}---\n")).unwrap();
    let output = load(home.path());
    assert!(is_loaded(&output), "{output:?}");

    fs::remove_file(snapshot.join("4096/test-00000-of-00001.parquet")).unwrap();
    let output = load(home.path());
    let text = String::from_utf8_lossy(&output.stderr);
    for part in ["simonjegou/ruler", "4096/test-00000-of-00001.parquet", "HF_HUB_OFFLINE"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
