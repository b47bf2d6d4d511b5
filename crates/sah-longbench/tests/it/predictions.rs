//! Scoring a folder of predictions.

use std::{fs, path::Path};

use sah_bench_core::data::ReadError;
use sah_longbench::{Error, RowsWithThoughts, score_predictions};
use sah_request::ThoughtsInAnswers;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn tasks_are_scored_whole_and_in_buckets() {
    let folder = tempfile::tempdir().unwrap();
    let qasper = [
        r#"{"predicted_answer": "Paris", "answers": ["Rome", "Paris"], "all_classes": null, "length": 10}"#,
        "",
        r#"{"pred": "Rome", "answers": ["Paris"], "all_classes": [], "length": 4000, "more": 1}"#,
        "",
    ];
    write(
        folder.path(),
        &[
            ("qasper.jsonl", &qasper.join("\r\n")),
            ("musique.jsonl", r#"{"pred": "Paris", "answers": ["Paris"]}"#),
            (
                "trec.jsonl",
                r#"{"pred": "City\nFood", "answers": ["City"], "all_classes": ["City", "Food"], "length": 9}"#,
            ),
            ("qasper_e.jsonl", "not looked at"),
            ("expected.json", "{}"),
        ],
    );
    let scores = score_predictions(folder.path(), None).unwrap();
    assert_eq!(scores.rows, 4);
    let expected = concat!(
        r#"{"standard":{"qasper":50.0,"musique":100.0,"trec":100.0},"#,
        r#""extended":{"qasper_e":{"0-4k":100.0,"4-8k":0.0,"8k+":null},"trec_e":{"0-4k":100.0,"4-8k":null,"8k+":null}}}"#
    );
    assert_eq!(serde_json::to_string(&scores).unwrap(), expected);
}

#[test]
fn a_faulty_row_is_named() {
    for (file, row, message) in [
        (
            "qasper",
            r#"{"pred": "x", "answers": "x", "length": 1}"#,
            r#"row 2, field answers: expected a list of texts, found the text "x""#,
        ),
        (
            "qasper",
            r#"{"pred": "x", "answers": ["x"]}"#,
            "row 2, field length: expected an integer, found nothing",
        ),
        (
            "qasper",
            r#"{"answers": ["x"], "length": 1}"#,
            "row 2, field predicted_answer: expected a text, found nothing",
        ),
        (
            "qasper",
            r#"{"pred": 3, "answers": ["x"], "length": 1}"#,
            "row 2, field pred: expected a text, found the number 3",
        ),
        (
            "lsht",
            r#"{"pred": "x", "answers": ["x"], "all_classes": null}"#,
            "row 2, field all_classes: expected all_classes, a list of texts, found null",
        ),
        (
            "passage_retrieval_zh",
            r#"{"pred": "x", "answers": ["7"]}"#,
            r#"row 2, field answers: expected answers such as "段落12", found "7""#,
        ),
        (
            "qasper",
            r#"{"pred": "x""#,
            "line 2: expected a JSON object: EOF while parsing an object at column 12",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[(&format!("{file}.jsonl"), &format!("\n{row}\n"))]);
        let error = score_predictions(folder.path(), None).unwrap_err().to_string();
        let place = folder.path().join(format!("{file}.jsonl"));
        assert_eq!(error, format!("{}: {message}", place.display()));
    }
}

#[test]
fn a_folder_without_predictions_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("notes.jsonl", "{}"), ("qasper.json", "{}")]);
    assert!(matches!(score_predictions(folder.path(), None), Err(Error::NoPredictions { .. })));
    write(folder.path(), &[("qasper.jsonl", "\n")]);
    assert!(matches!(score_predictions(folder.path(), None), Err(Error::Read(ReadError::NoRows { .. }))));
    assert!(matches!(
        score_predictions(&folder.path().join("none"), None),
        Err(Error::Read(ReadError::NoFolder { .. }))
    ));
}

#[test]
fn thoughts_are_left_out_unless_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let row =
        |prediction: &str| format!("{{\"pred\": {prediction:?}, \"answers\": [\"Norway\"], \"length\": 9}}");
    let predictions = [
        "<think>\nThe passage says that Oslo lies in Norway.\n</think>\n\nNorway",
        "The passage says that Oslo lies in Norway.\n</think>\nNorway",
        "<think>\nNorway, or Sweden?",
        "Norway",
    ];
    let lines: Vec<String> = predictions.iter().map(|prediction| row(prediction)).collect();
    write(folder.path(), &[("hotpotqa.jsonl", &lines.join("\n"))]);
    let scores = |thoughts| score_predictions(folder.path(), thoughts).unwrap();
    let without = scores(None);
    assert_eq!(without, scores(Some(ThoughtsInAnswers::LeftOut)));
    assert_eq!(without.standard.get("hotpotqa"), Some(&75.0));
    let counts = |thoughts| Some(RowsWithThoughts { rows: 3, unfinished: 1, thoughts });
    assert_eq!(without.thoughts, counts(ThoughtsInAnswers::LeftOut));
    let with = scores(Some(ThoughtsInAnswers::Kept));
    assert!(with.standard["hotpotqa"] < 60.0, "{with:?}");
    assert_eq!(with.thoughts, counts(ThoughtsInAnswers::Kept));
}

/// Published scores of such predictions are those of the official scorer, thoughts included.
#[test]
fn predictions_that_are_mostly_the_beginning_of_thoughts_are_scored_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let row =
        |prediction: &str| format!("{{\"pred\": {prediction:?}, \"answers\": [\"Norway\"], \"length\": 9}}");
    let finished = row("<think>\nOslo.\n</think>\nNorway");
    let file = |task: &str, unfinished: usize| {
        let lines: Vec<String> = std::iter::once(finished.clone())
            .chain((0..unfinished).map(|_| row("<think>\nNorway")))
            .collect();
        (format!("{task}.jsonl"), lines.join("\n"))
    };
    let write_both = |unfinished| {
        for (name, text) in [file("hotpotqa", 0), file("musique", unfinished)] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        score_predictions(folder.path(), None).unwrap()
    };
    // Of two files with four rows, two or three have no end.
    let half = write_both(2);
    assert_eq!(half.standard.get("hotpotqa"), Some(&100.0));
    assert_eq!(half.thoughts.unwrap().thoughts, ThoughtsInAnswers::LeftOut);
    let most = write_both(3);
    assert!(most.standard["hotpotqa"] < 100.0 && most.standard["musique"] > 0.0, "{most:?}");
    let expected = RowsWithThoughts { rows: 5, unfinished: 3, thoughts: ThoughtsInAnswers::Kept };
    assert_eq!(most.thoughts, Some(expected));
    let kept = score_predictions(folder.path(), Some(ThoughtsInAnswers::Kept)).unwrap();
    assert_eq!(most, kept);
}
