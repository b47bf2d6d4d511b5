//! `cargo xtask bench ruler` with the default model on generated rows, and `score ruler`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{run, xtask};

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn rows_are_made_for_the_model_run_and_scored_by_length() {
    let results = tempfile::tempdir().unwrap();
    let bench = |name: &str, more: &[&str]| {
        let mut command = xtask(&[
            "bench",
            "ruler",
            "--subsets",
            "niah_single_1,fwe",
            "--rows",
            "1",
            "--lengths",
            "512,640",
        ]);
        command.args(["--answer-tokens", "4", "--result-dir"]).arg(results.path()).args(["--run-name", name]);
        run(command.args(more))
    };
    let (code, tables, log) = bench("first", &[]);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("qa_1 and qa_2 need files of questions"), "{log}");
    // A table of tasks by length for each attention, the means by length, and what there is over lengths.
    for head in [
        "dense (0 to 100) ",
        "streaming_llm (0 to 100) ",
        "mean by length (0 to 100) ",
        "over lengths (0 to 100) ",
    ] {
        assert!(tables.contains(&format!("| {head}")), "no {head} in\n{tables}");
    }
    for line in [
        "| niah_single_1 ",
        "| fwe ",
        "| 640 ",
        "| overall ",
        "| mean weighted to long lengths",
        "| effective length, tokens",
    ] {
        assert!(tables.contains(line), "no {line} in\n{tables}");
    }
    let dense = results.path().join("first/dense");
    let metrics = json(&dense.join("metrics.json"));
    for key in ["weighted_mean_increasing", "effective_length", "nulls"] {
        assert!(metrics.get(key).is_some(), "{key} is not in {metrics}");
    }
    assert_eq!(metrics["tasks_in_length_scores"], serde_json::json!({"512": 2, "640": 2}));
    let config = json(&dense.join("config.json"));
    assert!(config["data"].to_string().contains("sah-ruler generator"), "{config}");

    let run_folder = results.path().join("first");
    let (code, text, log) = run(xtask(&["compare"]).arg(&run_folder));
    assert_eq!((code, log.as_str()), (0, ""));
    for part in
        ["| fwe 512 ", "| mean 640 ", "| overall ", "| effective length, tokens", "whose mean is above 85.6"]
    {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let (code, _, log) = run(xtask(&["report"]).arg(&run_folder));
    assert_eq!(code, 0, "{log}");
    for file in ["figures/maps.png", "tables/scores_dense.tex", "tables/further_over_lengths.csv"] {
        assert!(run_folder.join("report").join(file).exists(), "no {file}");
    }

    // The journal has what the model read: as long as its row says, the answer's room aside.
    let journal = fs::read_to_string(dense.join("raw_results.csv")).unwrap();
    assert!(journal.contains("length_used"), "{journal}");
    let (code, _, log) = bench("second", &["--attention", "dense"]);
    assert_eq!(code, 0, "{log}");
    let hash = |run: &str| json(&results.path().join(run).join("dense/config.json"))["data"].clone();
    assert_eq!(hash("first"), hash("second"), "the same rows");

    let (code, _, log) = bench("third", &["--data", "hub"]);
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("--rows is for generated rows"), "{log}");
}

#[test]
fn predictions_are_scored_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let [file, out] = ["p.jsonl", "out.json"].map(|name| folder.path().join(name));
    let lines = [
        r#"{"id": "a", "task": "vt", "prediction": "QXBRA", "answers": ["QXBRA", "JWLOE", "MNOIT"]}"#,
        r#"{"id": "b", "task": "qa_1", "prediction": "in 1302", "answers": ["1302", "the year 1302"]}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let mut command = xtask(&["score", "ruler", "--predictions"]);
    let (code, table, log) = run(command.arg(&file).arg("--json").arg(&out));
    assert_eq!(code, 0, "{log}");
    for part in [
        "| score (0 to 100) ",
        "| mean  ",
        "66.66",
        "| over lengths (0 to 100) ",
        "| effective length, tokens",
    ] {
        assert!(table.contains(part), "no {part} in {table}");
    }
    let scores = json(&out);
    assert_eq!(scores["rows"], serde_json::json!({"a": 33.33, "b": 100.0}));
    assert_eq!(scores["lengths"]["all"], serde_json::json!(f64::midpoint(33.33, 100.0)));
}
