//! What is on disk while the run goes on, and after it was cut off.

use std::fs::OpenOptions;
use std::io::Write;

use sah_bench_core::{Error, JournalContents, RunFolder, read_journal};

use crate::support::{ScriptedModel, right_answers, run_in, sample};

#[test]
fn rows_are_in_the_journal_before_the_next_group_starts() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    let path = folder.journal_path().to_path_buf();
    let model = ScriptedModel::new(|request| {
        let answered: Vec<String> =
            read_journal(&path).unwrap().records.into_iter().map(|record| record.predicted_answer).collect();
        let expect: &[&str] = match request.context.as_str() {
            "first" => &[],
            "second" => &["a!", "c!"],
            _ => &["a!", "c!", "b!"],
        };
        assert_eq!(answered, expect, "before {}", request.context);
        Ok(right_answers(request))
    });
    let samples = vec![
        sample("qa", "first", "a"),
        sample("qa", "second", "b"),
        sample("qa", "first", "c"),
        sample("qa", "third", "d"),
    ];
    let outcome = run_in(&mut folder, samples, &model, &mut ());
    assert_eq!(outcome.rows_failed, 0, "{:?}", outcome.records);
}

fn journal_of_three_groups() -> (tempfile::TempDir, std::path::PathBuf, Vec<sah_bench_core::Record>) {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(directory.path(), "run", "dense").unwrap();
    let path = folder.journal_path().to_path_buf();
    let samples = vec![
        sample("qa", "one\nline \u{4e2d}\u{6587} \"x\"", "a"),
        sample("qa", "bad", "b"),
        sample("trec", "three", "c"),
        sample("trec", "bad", "d"),
    ];
    let outcome = run_in(&mut folder, samples, &ScriptedModel::failing_on("bad"), &mut ());
    (directory, path, outcome.records)
}

#[test]
fn records_come_back_equal() {
    let (_directory, path, records) = journal_of_three_groups();
    let JournalContents { records: mut read, complete_bytes, torn_bytes } = read_journal(&path).unwrap();
    let order: Vec<usize> = read.iter().map(|record| record.index).collect();
    assert_eq!(order, [0, 1, 3, 2], "a group is one line");
    read.sort_by_key(|record| record.index);
    assert_eq!(read, records);
    assert_eq!((complete_bytes, torn_bytes), (std::fs::metadata(&path).unwrap().len(), 0));
}

#[test]
fn kept_keys_of_a_context_stand_once_in_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(directory.path(), "run", "dense+snapkv").unwrap();
    let path = folder.journal_path().to_path_buf();
    let model = ScriptedModel::new(|request| {
        let mut response = right_answers(request);
        response.context.kept = Some(0.25);
        response.context.kept_keys = vec![vec![3, 1], vec![2, 2]];
        Ok(response)
    });
    let samples = vec![sample("qa", "first context", "a"), sample("qa", "first context", "b")];
    let outcome = run_in(&mut folder, samples, &model, &mut ());
    assert!(outcome.records.iter().all(|record| record.stats.as_ref().unwrap().context.kept_keys.len() == 2));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!((text.matches("kept_keys").count(), text.matches("\"kept\"").count()), (1, 2), "{text}");
    assert_eq!(read_journal(&path).unwrap().records, outcome.records);
}

#[test]
fn a_torn_last_line_is_left_out_wherever_it_is_torn() {
    let (_directory, path, _) = journal_of_three_groups();
    let whole = std::fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in last_line + 1..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let contents = read_journal(&path).unwrap();
        assert_eq!(contents.records.len(), 3, "cut at {length}");
        assert_eq!(contents.complete_bytes, last_line as u64);
        assert_eq!(contents.torn_bytes, (length - last_line) as u64);
    }
}

#[test]
fn a_last_line_of_the_right_length_without_its_content_is_left_out() {
    let (_directory, path, _) = journal_of_three_groups();
    let mut bytes = std::fs::read(&path).unwrap();
    let last_line = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let end = bytes.len() - 1;
    bytes[last_line..end].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let contents = read_journal(&path).unwrap();
    assert_eq!(contents.records.len(), 3);
    assert_eq!(contents.torn_bytes, (bytes.len() - last_line) as u64);
}

#[test]
fn a_broken_earlier_line_is_an_error_that_names_it() {
    let (_directory, path, _) = journal_of_three_groups();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("\"rows\"", "\"r", 1)).unwrap();
    let error = read_journal(&path).unwrap_err();
    assert!(matches!(error, Error::Journal { line: 1, .. }), "{error}");
}

#[test]
fn an_empty_and_a_missing_journal_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.jsonl");
    assert!(matches!(read_journal(&path), Err(Error::Missing { .. })));
    OpenOptions::new().create_new(true).write(true).open(&path).unwrap().write_all(b"").unwrap();
    assert!(read_journal(&path).unwrap().records.is_empty());
}
