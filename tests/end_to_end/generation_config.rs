//! A folder with a `generation_config.json`, and borders between context and question, through the command line.

use std::fs;
use std::path::Path;

use sah_tests::tiny;
use serde_json::{Value, json};

use crate::command::{run, xtask};

/// The tiny Qwen3 with a `generation_config.json`.
fn write_model(folder: &Path, config: &Value) {
    for file in fs::read_dir(tiny::folder("qwen3")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    fs::write(folder.join("generation_config.json"), config.to_string()).unwrap();
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_generation_config_is_applied_or_named_once_and_in_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let config =
        json!({"eos_token_id": [3, 1], "repetition_penalty": 1.1, "num_beams": 4, "do_sample": true});
    write_model(&model, &config);
    let bench = |name: &str, options: &[&str]| {
        let mut command = xtask(&["bench", "mock", "--max-new-tokens", "3", "--run-name", name]);
        command.args(options).arg("--model").arg(&model).arg("--result-dir").arg(folder.path());
        run(&mut command)
    };
    let (code, tables, log) = bench("applied", &[]);
    assert_eq!(code, 0, "{log}");
    for words in ["has num_beams=4, which", "asks for tokens drawn at random"] {
        // Once for both attentions when the run begins, and once under the tables.
        assert_eq!((log.matches(words).count(), tables.matches(words).count()), (1, 1), "{log}\n{tables}");
    }
    let written = read(&folder.path().join("applied/dense/config.json"));
    let expected = json!({"mode": "apply", "file": "generation_config.json", "applied": {"repetition_penalty": 1.1},
        "not_applied": {"num_beams": 4}});
    assert_eq!(written["generation_config"], expected);
    assert_eq!(written["tokenise"], "whole");
    let metrics = read(&folder.path().join("applied/dense/metrics.json"));
    assert!(metrics["warnings"].as_array().unwrap().len() >= 2, "{metrics}");

    let (code, tables, log) = bench("ignored", &["--generation-config", "ignore", "--tokenise", "apart"]);
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("num_beams") && !tables.contains("drawn at random"), "{log}\n{tables}");
    let written = read(&folder.path().join("ignored/dense/config.json"));
    assert_eq!(
        written["generation_config"]["not_applied"],
        json!({"repetition_penalty": 1.1, "num_beams": 4})
    );
    assert_eq!(written["tokenise"], "apart");

    let (code, list, log) = run(xtask(&["doctor"]).arg(&model));
    assert_eq!(code, 0, "{log}");
    for line in ["applied: repetition_penalty=1.1", "WARNING  generation_config", "num_beams=4"] {
        assert!(list.contains(line), "{line} is not in\n{list}");
    }
}

#[test]
fn tokens_at_the_border_are_counted_and_one_context_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context.txt");
    fs::write(&context, "The keeper counted the boats, lit the lamp and wrote to his broth").unwrap();
    let question = ["er. Who is he?", "s of the soup.", "!", "el in the town?"];
    let mut command =
        xtask(&["generate", "--max-new-tokens", "4", "--context-file", context.to_str().unwrap()]);
    command.args(question.iter().flat_map(|question| ["--question", question]));
    let (code, answers, log) = run(&mut command);
    assert_eq!((code, answers.lines().count() >= 4), (0, true), "{log}\n{answers}");
    let of_whole = "context of 37 tokens";
    assert_eq!(log.matches("tokens read in").count(), 1, "{log}");
    assert!(log.contains(of_whole) && log.contains("; 1 at its end with each of 4 questions"), "{log}");
    let (code, _, log) = run(command.args(["--tokenise", "apart"]));
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("at its end"), "{log}");
}
