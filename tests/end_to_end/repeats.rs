//! Several answers to each row, and an answer that is asked for after a reasoning.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command::{run, xtask};
use crate::resume::rows;
use crate::tiny_model;

/// A run of `benchmark` with a random model: exit code, standard output and standard error.
fn bench(benchmark: &str, folder: &Path, name: &str, more: &[&str]) -> (i32, String, String) {
    let model = folder.join("model");
    if !model.exists() {
        tiny_model::write(&model, 0);
    }
    let mut command = xtask(&["bench", benchmark, "--answer-tokens", "6", "--run-name", name]);
    command.arg("--model").arg(&model).arg("--result-dir").arg(folder).args(more);
    run(&mut command)
}

/// The answers in a journal by question and repeat.
fn answers(folder: &Path) -> BTreeMap<(String, u64), String> {
    let answer = |row: &Value| {
        let question = row["question"].as_str().unwrap().to_owned();
        ((question, row["repeat"].as_u64().unwrap()), row["predicted_answer"].as_str().unwrap().to_owned())
    };
    rows(folder).iter().map(answer).collect()
}

#[test]
fn answers_follow_from_row_and_repeat_whatever_else_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let random = ["--temperature", "1", "--attention", "dense,vattention"];
    let with = |more: &[&'static str]| [&random[..], more].concat();

    let (code, tables, log) = bench("mock", folder, "three", &with(&["--repeats", "3"]));
    assert_eq!(code, 0, "{log}");
    for words in ["Of 3 answers to each row", "reading_comprehension avg@3", "reading_comprehension pass@2"] {
        assert!(tables.contains(words), "{words} is not in\n{tables}");
    }
    let all = answers(&folder.join("three/dense"));
    assert_eq!(all.len(), 15);
    let differ = |(question, _): &&(String, u64)| {
        let of = |repeat| &all[&(question.clone(), repeat)];
        of(0) != of(1) || of(1) != of(2)
    };
    assert!(all.keys().any(|key| differ(&key)), "{all:?}");
    let metrics: Value =
        serde_json::from_slice(&fs::read(folder.join("three/dense/metrics.json")).unwrap()).unwrap();
    assert_eq!(metrics["repeats"]["count"], 3);
    assert_eq!(metrics["repeats"]["figures"]["reading_comprehension"]["rows"], 5);
    assert_eq!(metrics["summary"]["total_samples"], 15);

    // Fewer repeats, or parts that are put together.
    for (name, more) in [("two", &["--repeats", "2"][..]), ("parts", &["--repeats", "3", "--shards", "2"])] {
        let (code, _, log) = bench("mock", folder, name, &with(more));
        assert_eq!(code, 0, "{log}");
        for attention in ["dense", "vattention"] {
            let expected = answers(&folder.join("three").join(attention));
            for (key, answer) in answers(&folder.join(name).join(attention)) {
                assert_eq!(answer, expected[&key], "{name} {attention} {key:?}");
            }
        }
    }

    let (code, _, log) = run(xtask(&["report"]).arg(folder.join("three")));
    assert_eq!(code, 0, "{log}");
    let page = fs::read_to_string(folder.join("three/report/report.html")).unwrap();
    assert!(page.contains("5 with 3 answers each") && page.contains("reading_comprehension pass@2"));

    let (code, _, log) = bench("mock", folder, "greedy", &["--repeats", "2", "--attention", "dense"]);
    assert_eq!(code, 2, "{log}");
    assert!(log.contains("--repeats has no effect: decoding is greedy"), "{log}");
}

#[test]
fn the_answer_is_asked_for_after_the_reasoning_and_without_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = json!({
        "_id": "x", "domain": "d", "sub_domain": "s", "difficulty": "hard", "length": "long", "question": "Who?",
        "choice_A": "Ann", "choice_B": "Bob", "choice_C": "Cem", "choice_D": "Dee", "answer": "D", "context": "Long.",
    });
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("data.json"), json!([row]).to_string()).unwrap();
    let question = "$Q$ $C_A$ $C_B$ $C_C$ $C_D$";
    fs::write(data.join("0shot_cot.txt"), format!("$DOC$\n{question}")).unwrap();
    fs::write(data.join("0shot_cot_ans.txt"), format!("{question}\n$COT$\nSo?")).unwrap();
    let flags = ["--data", data.to_str().unwrap(), "--prompts", data.to_str().unwrap(), "--subsets", "cot"];
    let (code, _, log) = bench("longbench-v2", folder, "twice", &flags);
    assert_eq!(code, 0, "{log}");
    for attention in ["dense", "streaming_llm"] {
        let [row] = &rows(&folder.join("twice").join(attention))[..] else { panic!("a row") };
        assert!(!row["reasoning"]["text"].as_str().unwrap().is_empty(), "{row}");
        for stats in ["reasoning", "answer"] {
            assert_eq!(row["stats"][stats]["generated_tokens"], 6, "{row}");
        }
        let csv = fs::read_to_string(folder.join("twice").join(attention).join("raw_results.csv")).unwrap();
        assert!(csv.contains("reasoning_generated_tokens"), "{csv}");
    }

    // The hub's layout has one prompt for both.
    let (code, tables, log) =
        bench("longbench-v2", folder, "sample", &["--subsets", "cot", "--max-samples", "1"]);
    assert_eq!(code, 0, "{log}");
    assert!(!tables.contains("in a second one"), "the bundled sample is asked twice: {tables}");
}
