//! What is no run, or not a whole one.

use std::fs;
use std::path::Path;

use sah_bench_core::{read_json, write_json};
use sah_report::Run;

use crate::support::{Letters, bench, config, model, samples};

fn refusal(folder: &Path) -> String {
    Run::read(folder, &Letters).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_shown_says_which_file_and_what_to_do() {
    let results = tempfile::tempdir().unwrap();
    let text = refusal(&results.path().join("nothing"));
    assert!(text.contains("nothing: no run") && text.contains("one folder for each attention"), "{text}");
    assert!(refusal(results.path()).contains("no run"));

    let run = bench(results.path(), "run", &[("dense", model(5, 1.0))], &samples("qa", 4));
    let dense = run.join("dense");
    let text = refusal(&dense);
    assert!(text.contains("dense: the results of one attention") && text.ends_with("run"), "{text}");

    // Answers that are worth something else than the file says.
    let metrics = dense.join("metrics.json");
    let written = fs::read(&metrics).unwrap();
    let mut changed: serde_json::Value = read_json(&metrics).unwrap();
    changed["task_scores"]["qa"] = serde_json::json!(80.0);
    write_json(&metrics, &changed).unwrap();
    let text = refusal(&run);
    assert!(text.contains("worth 100.0000 in qa") && text.contains("says 80.0000"), "{text}");

    fs::write(&metrics, "{").unwrap();
    assert!(refusal(&run).contains("metrics.json"));
    fs::remove_file(&metrics).unwrap();
    let text = refusal(&run);
    assert!(text.contains("dense has no metrics.json: the run did not finish"), "{text}");
    fs::write(&metrics, written).unwrap();
    Run::read(&run, &Letters).unwrap();

    let mut other = config("dense");
    other["benchmark"] = "numbers".into();
    write_json(&dense.join("config.json"), &other).unwrap();
    let text = refusal(&run);
    assert!(text.contains("\"numbers\", not of \"letters\""), "{text}");
    write_json(&dense.join("config.json"), &config("dense")).unwrap();
    fs::remove_file(dense.join("raw_results.parquet")).unwrap();
    assert!(refusal(&run).contains("raw_results.parquet is missing"), "{}", refusal(&run));
}
