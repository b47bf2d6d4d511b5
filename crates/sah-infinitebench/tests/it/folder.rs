//! Folders: the layout of the hub's copy, and the authors' files with their templates.

use std::fs;
use std::path::Path;

use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, NoTokenizer, Sample, Value};
use sah_infinitebench::{InfiniteBench, PromptFiles};

/// Templates of our own, in the form of the authors' file.
const PROMPTS: &str = r#"small_templates = {
    "passkey": "Look.\n\n{context}\n\n{input}\n\nIt is",  # noqa
    "longbook_choice_eng": "{context}\n\n{question}\nA. {OPTION_A}\nB. {OPTION_B}\nC. {OPTION_C}\nD. {OPTION_D}\n\nLetter:",
    "math_find": "{prefix}\n{context}\n{input}",
    "code_run": "Given {func}.\n{context}\n"
    "What is {func_call}? It is",
    "code_debug": "{file:{context}}",
}

other_templates = {"passkey": "{context}" + "{input}"}
"#;
const UTILS: &str = "def f(target_number):\n    prefix = f\"Find {target_number}.\"\n    return prefix\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load(&self, task: &str, family: Option<&str>) -> Result<Vec<Sample>, String> {
        let prompts = family
            .map(|family| PromptFiles { file: self.path().join("prompt.py"), family: family.to_owned() });
        InfiniteBench::new(DataSource::Folder(self.path().to_owned()), prompts)
            .load(&[task], &NoTokenizer)
            .map_err(|error| {
                sah_bench_core::full_text(&error).replace(&self.path().display().to_string(), "DIR")
            })
    }
}

fn parts(sample: &Sample) -> [&str; 3] {
    [&sample.context, &sample.question, &sample.answer_prefix]
}

#[test]
fn the_authors_rows_get_their_prompts() {
    let folder = Folder::new(&[
        ("prompt.py", PROMPTS),
        ("eval_utils.py", UTILS),
        (
            "passkey.jsonl",
            r#"{"id": 0, "context": "text", "input": "Which?", "answer": ["07"], "options": []}"#,
        ),
        ("code_run.jsonl", r#"{"id": 0, "context": "text", "input": "Value of f_1(-2)?", "answer": [-7]}"#),
        (
            "math_find.jsonl",
            "{\"context\": \"[1, 2]\", \"input\": \"The median of the list is:\", \"answer\": [1.5]}\n\
             {\"context\": \"[1, 2]\", \"input\": \"The largest number is:\", \"answer\": [2]}",
        ),
        (
            "longbook_choice_eng.jsonl",
            r#"{"id": 0, "context": "text", "input": "Who?", "answer": ["b"], "options": ["a", "b", "c", "d"]}"#,
        ),
    ]);
    let one = |task| folder.load(task, Some("small")).unwrap().remove(0);
    let sample = one("passkey");
    assert_eq!(parts(&sample), ["Look.\n\ntext", "\n\nWhich?\n\n", "It is"]);
    assert_eq!((sample.max_new_tokens, &sample.extra[1]), (26, &Value::Null));
    assert_eq!(parts(&one("code_run")), ["Given f_1.\ntext", "\nWhat is f_1(-2)", "? It is"]);
    assert_eq!(one("code_run").extra[0].texts(), ["-7"]);
    assert_eq!(parts(&one("math_find")), ["Find the median.\n[1, 2]", "\nThe median of the list is:", ""]);
    assert_eq!(one("math_find").extra[0].texts(), ["1.5"]);
    let rows = folder.load("math_find", Some("small")).unwrap();
    assert_eq!(rows[1].context, "Find the largest number.\n[1, 2]");
    let sample = one("longbook_choice_eng");
    assert_eq!(parts(&sample), ["text", "\n\nWho?\nA. a\nB. b\nC. c\nD. d\n\n", "Letter:"]);
    assert_eq!(sample.extra[0].texts(), ["b", "B"]);
    assert_eq!(sample.extra[1].texts(), ["a", "b", "c", "d"]);
    assert_eq!(parts(&folder.load("passkey", Some("other")).unwrap()[0]), ["text", "Which?", ""]);
}

#[test]
fn rows_of_the_hub_s_layout_get_back_what_it_lost() {
    let row = |answer: &str, question: &str| {
        format!(
            r#"{{"context": "c", "question": "{question}", "answer_prefix": "p", "answer": {answer}, "task": "x", "max_new_tokens": 9}}"#
        )
    };
    let options = r"Who?\nA. a\nB. b\nC. c\nD. d";
    let folder = Folder::new(&[
        ("longbook_choice_eng.jsonl", &row(r#"["B"]"#, options)),
        ("code_debug.jsonl", &row(r#"["B"]"#, "Who?")),
        ("math_find.jsonl", &row(r#"["five"]"#, "?")),
        ("math_calc.jsonl", &row("[]", "?")),
        ("prompt.py", PROMPTS),
    ]);
    let sample = folder.load("longbook_choice_eng", None).unwrap().remove(0);
    assert_eq!(sample.extra[0].texts(), ["b", "B"]);
    assert_eq!((sample.task.as_str(), sample.max_new_tokens), ("longbook_choice_eng", 9));
    for (task, family, message) in [
        ("code_debug", None, "DIR/code_debug.jsonl: row 1, field question: expected four options at its end"),
        ("math_find", None, "DIR/math_find.jsonl: row 1, field answer: expected a number, found [\"five\"]"),
        (
            "math_calc",
            None,
            "DIR/math_calc.jsonl: row 1, field answer: expected a list of integers, found []",
        ),
        ("longbook_choice_eng", Some("small"), "DIR/prompt.py: no row needs a template"),
        ("passkey", None, "DIR: no data for passkey"),
    ] {
        let error = folder.load(task, family).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn what_is_wrong_with_templates_is_named() {
    let row = r#"{"id": 0, "context": "text", "input": "Which?", "answer": ["7"], "options": []}"#;
    let folder = Folder::new(&[
        ("prompt.py", PROMPTS),
        ("passkey.jsonl", row),
        ("math_find.jsonl", row),
        ("number_string.jsonl", row),
        ("code_run.jsonl", row),
        ("code_debug.jsonl", row),
    ]);
    for (task, family, message) in [
        ("passkey", None, "DIR/passkey.jsonl: row 1 has no prompt of its own"),
        ("passkey", Some("large"), "DIR/prompt.py: no templates of large; there is small, other"),
        ("number_string", Some("small"), "DIR/prompt.py: template of number_string: there is none"),
        ("math_find", Some("small"), "DIR/eval_utils.py: "),
        (
            "code_run",
            Some("small"),
            "DIR/code_run.jsonl: row 1, field input: expected the call of a function",
        ),
        ("code_debug", Some("small"), "DIR/prompt.py: template of code_debug: expected {context} or"),
    ] {
        let error = folder.load(task, family).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
    let folder = Folder::new(&[("prompt.py", "import os\n"), ("passkey.jsonl", row)]);
    let error = folder.load("passkey", Some("small")).unwrap_err();
    assert!(error.contains("DIR/prompt.py: line 1: expected"), "{error}");
}
