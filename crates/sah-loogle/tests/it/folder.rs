//! Folders: the authors' files with their templates, and the layout of the hub's copy.

use std::fs;
use std::path::Path;

use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, NoTokenizer, Sample};
use sah_loogle::Loogle;

/// Templates of our own, in the form of the authors' file.
const PROMPTS: &str = r#"{"shortdep_qa": "Look.\n{input}\nQ: {Q}\nA: ", "shortdep_cloze": "{input}\n{Q}\nGaps:",
    "longdep_summarization": "Sum up:\n{input}\nSummary: ", "longdep_qa": "{Q}"}"#;

fn load(folder: &Path, prompts: bool, task: &str) -> Result<Vec<Sample>, String> {
    let prompts = prompts.then(|| folder.join("task2prompt.json"));
    Loogle::new(DataSource::Folder(folder.to_owned()), prompts)
        .load(&[task], &NoTokenizer)
        .map_err(|error| sah_bench_core::full_text(&error).replace(&folder.display().to_string(), "DIR"))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn parts(sample: &Sample) -> [&str; 4] {
    [&sample.context, &sample.question, &sample.answer_prefix, &sample.extra[0].texts()[0]]
}

#[test]
fn a_document_has_a_row_for_each_question() {
    let folder = folder(&[
        ("task2prompt.json", PROMPTS),
        (
            "shortdep_qa.jsonl",
            r#"{"input": "text", "title": "t", "qa_pairs": "[{'Q': 'Who?', 'A': \"It's Ann\", 'S': ['x']}, {'Q': 'How many?', 'A': 3}]", "output": "none"}"#,
        ),
        (
            "shortdep_cloze.jsonl",
            r#"{"input": "text", "qa_pairs": "[{'Q': '<mask-0> ran', 'A': {'<mask-0>': 'Ann'}}]", "output": "None"}"#,
        ),
        ("longdep_summarization.jsonl", r#"{"input": "text", "qa_pairs": "none", "output": "short"}"#),
    ]);
    let load = |task| load(folder.path(), true, task).unwrap();
    let samples = load("shortdep_qa");
    assert_eq!(parts(&samples[0]), ["Look.\ntext", "\nQ: Who?\n", "A: ", "It's Ann"]);
    assert_eq!((parts(&samples[1])[3], samples.len(), samples[0].max_new_tokens), ("3", 2, 300));
    assert_eq!(
        parts(&load("shortdep_cloze")[0]),
        ["text", "\n<mask-0> ran\n", "Gaps:", r#"{"<mask-0>":"Ann"}"#]
    );
    assert_eq!(parts(&load("longdep_summarization")[0]), ["Sum up:\ntext", "\n", "Summary: ", "short"]);
    fs::write(
        folder.path().join("shortdep_qa.jsonl"),
        r#"{"context": "text", "question": "Who?", "answer": "Ann"}"#,
    )
    .unwrap();
    assert_eq!(parts(&load("shortdep_qa")[0]), ["Look.\ntext", "\nQ: Who?\n", "A: ", "Ann"]);
}

#[test]
fn what_is_wrong_is_named() {
    let row = |pairs: &str| format!(r#"{{"input": "text", "qa_pairs": "{pairs}", "output": "none"}}"#);
    let hub = |answer: &str| {
        format!(
            r#"{{"context": "c", "question": "q", "answer_prefix": "a", "answer": {answer}, "max_new_tokens": 9}}"#
        )
    };
    let folder = folder(&[("task2prompt.json", PROMPTS)]);
    for (task, prompts, text, message) in [
        ("shortdep_qa", false, row("[]"), "shortdep_qa.jsonl: row 1 has no prompt of its own"),
        (
            "longdep_qa",
            true,
            row("[]"),
            "task2prompt.json: template of longdep_qa: there is no {input} in it",
        ),
        (
            "shortdep_qa",
            true,
            row("[{'Q': 1}]"),
            "shortdep_qa.jsonl: row 1, field qa_pairs: expected a list of dictionaries with Q and A, found question 1",
        ),
        (
            "shortdep_qa",
            true,
            row("exit()"),
            "row 1, field qa_pairs: expected a list of dictionaries with Q and A, found line 1",
        ),
        (
            "shortdep_cloze",
            true,
            row("[{'Q': 'x', 'A': 'y'}]"),
            "row 1, field qa_pairs: expected an object from gaps to texts, found y",
        ),
        ("shortdep_qa", true, hub("\"a\""), "task2prompt.json: no row needs a template"),
        ("shortdep_qa", false, hub("\"\""), "row 1, field answer: expected a text, found []"),
        ("shortdep_cloze", false, hub("\"a\""), "row 1, field answer: expected an object from gaps to texts"),
    ] {
        fs::write(folder.path().join(format!("{task}.jsonl")), text).unwrap();
        let error = load(folder.path(), prompts, task).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    fs::write(folder.path().join("task2prompt.json"), "[]").unwrap();
    let error = load(folder.path(), true, "shortdep_qa").unwrap_err();
    assert!(error.contains("DIR/task2prompt.json: expected a JSON object of texts"), "{error}");
}
