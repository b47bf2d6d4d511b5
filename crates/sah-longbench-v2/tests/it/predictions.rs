//! Files of predictions.

use std::fs;

use sah_longbench_v2::{PredictionScores, score_predictions};

fn score(text: &str) -> Result<PredictionScores, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    fs::write(&file, text).unwrap();
    let scored = score_predictions(&file, None);
    scored.map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))
}

#[test]
fn each_row_has_a_verdict_and_each_task_its_figures() {
    let scores = score(concat!(
        r#"{"id": "a", "task": "0shot", "answer": "B", "difficulty": "easy", "length": "short", "prediction": "The correct answer is (B)"}"#,
        "\n",
        r#"{"id": "b", "task": "0shot", "answer": "B", "difficulty": "hard", "length": "short", "prediction": null}"#,
        "\n",
        // As in the authors' files.
        r#"{"_id": "c", "answer": "C", "difficulty": "hard", "length": "long", "pred": "A", "judge": false, "response": "The correct answer is C"}"#,
        "\n",
        r#"{"_id": "d", "task": "cot", "answer": "A", "difficulty": "hard", "length": "long", "pred": "<think>b</think>The correct answer is (A)"}"#,
    ))
    .unwrap();
    let rows: Vec<_> = scores.rows.rows.iter().map(|row| (row.id.as_str(), row.score)).collect();
    assert_eq!(rows, [("a", 1), ("b", 0), ("c", 1), ("d", 1)]);
    let tasks: Vec<_> =
        scores.accuracy.iter().map(|(task, one)| (task.as_str(), one.rows(), one.overall())).collect();
    assert_eq!(tasks, [("0shot", 2, Some(50.0)), ("all", 1, Some(100.0)), ("cot", 1, Some(100.0))]);
    assert_eq!(scores.rows.thoughts.unwrap().rows, 1);
}

#[test]
fn several_predictions_for_a_question_have_pass_at_k() {
    let line = |answer: &str| {
        format!(
            r#"{{"id": "a", "answer": "B", "difficulty": "easy", "length": "short", "prediction": "The correct answer is {answer}"}}"#
        )
    };
    let scores = score(&["A", "B"].map(line).join("\n")).unwrap();
    assert_eq!(scores.accuracy["all"].overall(), Some(50.0));
    let repeats = scores.repeats.unwrap();
    let pass: Vec<(usize, f64)> =
        repeats.figures["all"].pass.iter().map(|(k, figure)| (*k, figure.value)).collect();
    assert_eq!(pass, [(1, 50.0), (2, 100.0)]);
}

#[test]
fn what_is_wrong_is_named() {
    for (text, message) in [
        (r#"{"prediction": "x"}"#, "FILE: row 1, field answer: expected a text, found nothing"),
        (
            r#"{"prediction": "x", "answer": "A", "difficulty": "mild", "length": "long"}"#,
            r#"FILE: row 1, field difficulty: expected easy or hard, found "mild""#,
        ),
        (
            r#"{"prediction": "x", "answer": "E", "difficulty": "easy", "length": "long"}"#,
            r#"FILE: row 1, field answer: expected a letter, A to D, found "E""#,
        ),
    ] {
        assert_eq!(score(text).unwrap_err(), message);
    }
}
