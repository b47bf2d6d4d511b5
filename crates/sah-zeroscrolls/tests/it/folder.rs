//! Folders: the authors' files, packed and unpacked, and the layout of the hub's copy.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, NoTokenizer, Record, Sample, Value};
use sah_zeroscrolls::{Split, ZeroScrolls};

fn line(id: &str, output: &str) -> String {
    // "é" is one character of two bytes.
    format!(
        r#"{{"id": "{id}", "pid": "{id}_0", "input": "Lé:\nTéxt.\nQ: why?\nA:\n", "output": {output}, "document_start_index": 4, "document_end_index": 10, "query_start_index": 10, "query_end_index": 18, "truncation_seperator": "..."}}"#
    )
}

fn load(folder: &Path, split: Option<Split>, tasks: &[&str]) -> Result<Vec<Sample>, String> {
    ZeroScrolls::new(DataSource::Folder(folder.to_owned()), split)
        .load(tasks, &NoTokenizer)
        .map_err(|error| sah_bench_core::full_text(&error).replace(&folder.display().to_string(), "DIR"))
}

#[test]
fn the_authors_rows_are_cut_by_characters_and_equal_ids_are_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("qasper")).unwrap();
    let lines = [line("a", "\"one\""), line("b", "\"three\""), line("a", "\"two\"")].join("\n");
    fs::write(path.join("qasper/validation.jsonl"), lines).unwrap();
    fs::write(path.join("qasper/test.jsonl"), line("t", "null")).unwrap();
    let samples = load(path, None, &["qasper"]).unwrap();
    let sample = &samples[0];
    assert_eq!(
        [&*sample.context, &sample.question, &sample.answer_prefix],
        ["Lé:\nTéxt.\n", "Q: why?\n", "A:"]
    );
    assert_eq!(
        (samples.len(), sample.extra[0].texts(), sample.max_new_tokens),
        (2, &["one".to_owned(), "two".to_owned()][..], 128)
    );
    assert_eq!(sample.extra[2], Value::Text("a_0".to_owned()));
    let test = load(path, Some(Split::Test), &["qasper"]).unwrap();
    assert!(test[0].extra[0].texts().is_empty());

    let record = |(index, sample): (usize, Sample)| Record {
        predicted_answer: "an, answer".to_owned(),
        ..Record::unanswered(index, sample)
    };
    let leaderboard = |samples: Vec<Sample>| {
        let mut records: Vec<Record> = samples.into_iter().enumerate().map(record).collect();
        records.extend(records.clone().into_iter().map(|record| Record { repeat: Some(1), ..record }));
        ZeroScrolls::default().leaderboard(&records)
    };
    assert_eq!(leaderboard(samples), None);
    let leaderboard = leaderboard(test).unwrap();
    assert_eq!(leaderboard.header, ["Task", "ID", "Prediction"]);
    assert_eq!(leaderboard.rows, [["qasper", "t", "an, answer"]]);
}

#[test]
fn archives_are_read_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.path().join("musique.zip")).unwrap());
    zip.start_file("musique/validation.jsonl", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(line("a", "\"one\"").as_bytes()).unwrap();
    zip.finish().unwrap();
    let samples = load(folder.path(), None, &["musique"]).unwrap();
    assert_eq!((samples[0].task.as_str(), samples[0].max_new_tokens), ("musique", 32));
    let error = load(folder.path(), Some(Split::Test), &["musique"]).unwrap_err();
    assert!(error.contains("DIR/musique.zip: no test.jsonl in the archive"), "{error}");
    let error = load(folder.path(), None, &["musique", "qmsum"]).unwrap_err();
    assert!(error.contains("DIR/qmsum/validation.jsonl: "), "{error}");
}

#[test]
fn rows_of_the_hub_s_layout_are_told_apart_by_their_task() {
    let folder = tempfile::tempdir().unwrap();
    let row = |task: &str| {
        format!(
            r#"{{"id": "x", "context": "c", "question": "q", "answer_prefix": "a", "answer": "", "task": "{task}", "max_new_tokens": 9}}"#
        )
    };
    let file = folder.path().join("test.jsonl");
    fs::write(&file, [row("qasper"), row("quality"), row("qasper")].join("\n")).unwrap();
    let samples = load(folder.path(), None, &["quality", "qasper"]).unwrap();
    assert_eq!(
        samples.iter().map(|sample| &*sample.task).collect::<Vec<_>>(),
        ["quality", "qasper", "qasper"]
    );
    fs::write(&file, row("qasper").replace(r#""id": "x", "#, "")).unwrap();
    let error = load(folder.path(), None, &["qasper"]).unwrap_err();
    assert!(
        error.contains("DIR/test.jsonl: row 1, field id: expected a text, by which the leaderboard"),
        "{error}"
    );
    fs::write(&file, row("default")).unwrap();
    let error = load(folder.path(), None, &["qasper"]).unwrap_err();
    assert!(error.contains("DIR/test.jsonl: row 1, field task: expected one of gov_report, "), "{error}");
}

#[test]
fn a_place_outside_of_the_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("qasper")).unwrap();
    let file = folder.path().join("qasper/validation.jsonl");
    for (from, to, message) in [
        (
            "\"document_end_index\": 10",
            "\"document_end_index\": 99",
            "field document_end_index: expected a place in the 21 characters",
        ),
        (
            "\"query_end_index\": 18",
            "\"query_end_index\": 3",
            "field query_end_index: expected a place after the document's end",
        ),
        (
            "\"document_end_index\": 10",
            "\"document_end_index\": \"x\"",
            "field document_end_index: expected an integer",
        ),
        ("\"id\": \"a\"", "\"id\": 3", "field id: expected a text"),
    ] {
        fs::write(&file, line("a", "null").replace(from, to)).unwrap();
        let error = load(folder.path(), None, &["qasper"]).unwrap_err();
        assert!(error.contains(&format!("DIR/qasper/validation.jsonl: row 1, {message}")), "{error}");
    }
}
