//! `cargo xtask bench ruler` with the default model on generated rows, and `score ruler`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{run, xtask};
use crate::resume::rows;
use crate::tiny_model;

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

/// Rows of 300 tokens for a model whose tokens are words, which thinks where it is told to; each with what it takes as it says.
fn rows_of_words(folder: &Path, name: &str, more: &[&str]) -> Vec<(Value, i64)> {
    let model = folder.join("model");
    if !model.exists() {
        tiny_model::write_thinking(&model);
    }
    let mut command = xtask(&["bench", "ruler", "--attention", "dense", "--rows", "2", "--lengths", "300"]);
    command
        .args(["--subsets", "niah_single_2,niah_multikey_2,fwe", "--run-name", name, "--model"])
        .arg(&model);
    let (code, _, log) = run(command.arg("--result-dir").arg(folder).args(more));
    assert_eq!(code, 0, "{log}");
    let run = folder.join(name).join("dense");
    let config = json(&run.join("config.json"));
    let of_run = &config["generation"];
    let rows = rows(&run).into_iter().map(|row| {
        let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{value} in {row}"));
        let limit = number(&row["max_new_tokens"]).max(of_run["max_new_tokens"].as_i64().unwrap_or_default());
        let prompt =
            number(&row["stats"]["context"]["tokens"]) + number(&row["stats"]["answer"]["question_tokens"]);
        let takes = prompt + limit + number(&of_run["thinking_tokens"]);
        let says = row["extra"].as_array().unwrap().last().unwrap();
        assert_eq!(number(says), takes, "{row}");
        assert!(takes <= 300, "{takes} of 300 tokens: {row}");
        // A line of the haystack has 11 words.
        assert!(300 - takes <= 11, "{takes} of 300 tokens: {row}");
        (row, takes)
    });
    rows.collect()
}

#[test]
fn thoughts_and_longer_answers_are_in_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let context = |rows: &[(Value, i64)]| rows[0].0["stats"]["context"]["tokens"].as_i64().unwrap();
    let plain = rows_of_words(folder.path(), "plain", &[]);
    let apart = rows_of_words(folder.path(), "apart", &["--tokenise", "apart"]);
    let thinks = ["--thinking", "on", "--thinking-tokens", "60"];
    let thoughtful = rows_of_words(folder.path(), "thoughtful", &thinks);
    let longer = rows_of_words(folder.path(), "longer", &["--answer-tokens", "140"]);
    assert_eq!([plain.len(), apart.len(), thoughtful.len(), longer.len()], [6; 4]);
    // 60 tokens more for thoughts; beside them the template leaves out what closes them, and the answer has no prefix.
    let less = context(&plain) - context(&thoughtful);
    assert!((30..=60).contains(&less), "{less} tokens less");
    assert!((12..=23).contains(&(context(&plain) - context(&longer))));
}

#[test]
fn a_length_that_cannot_be_is_named_before_the_model_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    tiny_model::write_thinking(&model);
    let text = folder.path().join("text.txt");
    fs::write(&text, "no sentence ends here").unwrap();
    let bench = |more: &[&str]| {
        let mut command =
            xtask(&["bench", "ruler", "--attention", "dense", "--subsets", "niah_single_2", "--rows", "1"]);
        command.arg("--model").arg(&model).arg("--result-dir").arg(folder.path());
        run(command.args(more))
    };
    // The model has 4096 positions.
    let (code, _, log) = bench(&["--lengths", "512,5000"]);
    assert_eq!(code, 1, "{log}");
    for words in
        ["rows of 5000 tokens are longer than the model's 4096 positions", "--lengths", "--positions"]
    {
        assert!(log.contains(words), "{words} is not in\n{log}");
    }
    // With more of them, and where contexts are cut, rows may be longer.
    for more in [["--positions", "5000"], ["--max-context-length", "200"]] {
        let (code, _, log) = bench(&[&["--lengths", "5000", "--dry-run"], &more[..]].concat());
        assert_eq!(code, 0, "{more:?}: {log}");
    }
    let (code, _, log) = bench(&["--lengths", "100"]);
    assert!(code == 1 && log.contains("niah_single_2 does not fit in 100 tokens"), "{log}");
    let (code, _, log) = bench(&["--lengths", "512", "--haystack", text.to_str().unwrap()]);
    assert!(code == 1 && log.contains("text.txt: no word ends a sentence"), "{log}");
    fs::write(&text, "A sentence ends here. Another does.").unwrap();
    let (code, _, log) = bench(&["--lengths", "512", "--haystack", text.to_str().unwrap()]);
    assert!(code == 0 && log.contains("has 6 words; rows of 512 tokens with more words repeat it"), "{log}");
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

    // As RULER's own program leaves them: the task is the file's name, and `length` that of each prompt.
    for (length, pred) in [(4096, "7316884"), (8192, "731688")] {
        let file = folder.path().join(format!("m/synthetic/{length}/pred/niah_single_1.jsonl"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let line =
            serde_json::json!({"index": 0, "pred": pred, "outputs": ["7316884"], "length": length - 9});
        fs::write(file, line.to_string()).unwrap();
    }
    let mut command = xtask(&["score", "ruler", "--predictions"]);
    let (code, table, log) = run(command.arg(folder.path().join("m")).arg("--json").arg(&out));
    assert_eq!(code, 0, "{log}");
    assert!(table.contains("4096") && !table.contains("4087"), "{table}");
    let scores = json(&out);
    assert_eq!(
        scores["rows"],
        serde_json::json!({"4096/niah_single_1/0": 100.0, "8192/niah_single_1/0": 0.0})
    );
    assert_eq!(scores["effective_length"], 4096);
}
