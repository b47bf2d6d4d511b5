//! Folders in the layout of the hub's data set.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use sah_bench_core::Value;

use crate::support::{ANSWER_PROMPT, PROMPT, line, load};

#[test]
fn a_parquet_file_is_read_as_the_hub_has_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cot")).unwrap();
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let columns = [
        ("_id", text("x1")),
        ("domain", text("Single-Document QA")),
        ("difficulty", text("hard")),
        ("length", text("medium")),
        ("question", text("Why?\n")),
        ("choice_A", text("left out")),
        ("answer", text("C")),
        ("context", text("Text.\n")),
        ("answer_prefix", text("So:")),
        ("task", text("cot")),
        ("max_new_tokens", Arc::new(Int64Array::from(vec![1044])) as ArrayRef),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = fs::File::create(folder.path().join("cot/test-00000-of-00001.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let samples = load(folder.path(), None, &["cot"]).unwrap();
    let [sample] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!((&*sample.task, sample.max_new_tokens), ("cot", 1044));
    assert_eq!((&*sample.context, &*sample.question, &*sample.answer_prefix), ("Text.\n", "Why?\n", "So:"));
    let text = |text: &str| Value::Text(text.to_owned());
    let answers = Value::TextList(vec!["C".to_owned()]);
    let domain = text("Single-Document QA");
    assert_eq!(
        sample.extra,
        [answers, text("hard"), text("medium"), domain, Value::Null, text("x1"), Value::Null]
    );
    let error = load(folder.path(), None, &["0shot"]).unwrap_err();
    assert!(error.contains("no data for 0shot") && error.contains("there is cot"), "{error}");
}

#[test]
fn a_row_that_cannot_be_scored_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = line("B", "easy", "short");
    for (row, message) in [
        (line("E", "easy", "short"), r#"field answer: expected a letter, A to D, found ["E"]"#),
        (line("", "easy", "short"), "field answer: expected a letter, A to D, found []"),
        (line("B", "so-so", "short"), r#"field difficulty: expected easy or hard, found "so-so""#),
        (line("B", "easy", "32k"), r#"field length: expected short, medium or long, found "32k""#),
    ] {
        fs::write(folder.path().join("0shot.jsonl"), format!("{good}\n{row}\n")).unwrap();
        let error = load(folder.path(), None, &["0shot"]).unwrap_err();
        assert_eq!(error, format!("DIR/0shot.jsonl: row 2, {message}"));
    }
}

/// A row of the hub's `cot`, which has question and options in its prompt and beside it.
fn reasoned(question: &str) -> String {
    let mut row = line("B", "easy", "short");
    let more = serde_json::json!({
        "context": "Their text:\nLong.\n\n", "question": question, "task": "cot", "max_new_tokens": 1044,
        "choice_A": "yes", "choice_B": "no", "choice_C": "maybe", "choice_D": "never",
    });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row.to_string()
}

#[test]
fn with_prompts_a_copy_is_asked_twice() {
    let (data, prompts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let cot = data.path().join("cot.jsonl");
    fs::write(&cot, reasoned("Asked: Is it? \n1 yes\n2 no\n3 maybe\n4 never\n")).unwrap();
    fs::write(prompts.path().join("0shot_cot.txt"), PROMPT).unwrap();
    fs::write(prompts.path().join("0shot_cot_ans.txt"), ANSWER_PROMPT).unwrap();

    let alone = load(data.path(), None, &["cot"]).unwrap();
    assert_eq!(
        (alone[0].max_new_tokens, &*alone[0].answer_prefix, &alone[0].extra[6]),
        (1044, "So:", &Value::Null)
    );

    let [sample] = &load(data.path(), Some(prompts.path()), &["cot"]).unwrap()[..] else { panic!() };
    assert_eq!((&*sample.answer_prefix, sample.max_new_tokens), ("", 1024));
    let whole = format!("{}{}", sample.context, sample.question);
    assert_eq!(whole, "Their text:\nLong.\n\nAsked: Is it?\n1 yes\n2 no\n3 maybe\n4 never\n\nSay it.");
    let parts = ["Asked without a text: Is it?\n1 yes\n2 no\n3 maybe\n4 never\nThought: ", "\n\nSo?"];
    assert_eq!(sample.extra[6], Value::TextList(parts.map(str::to_owned).to_vec()));

    fs::write(&cot, reasoned("Somebody asks: Is it?\n1 yes")).unwrap();
    let error = load(data.path(), Some(prompts.path()), &["cot"]).unwrap_err();
    let error = error.replace(&prompts.path().display().to_string(), "PROMPTS");
    assert_eq!(
        error,
        "DIR/cot.jsonl: row 1, field question: expected the wording of PROMPTS/0shot_cot.txt around question and options, \
         found another"
    );
}

#[test]
fn prompts_are_for_the_authors_data_and_reasonings() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0shot.jsonl"), line("B", "easy", "short").to_string()).unwrap();
    let error = load(folder.path(), Some(folder.path()), &["0shot"]).unwrap_err();
    assert_eq!(error, "DIR: no row needs a prompt: only the authors' data.json and cot do");
}
