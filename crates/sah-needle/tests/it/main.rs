//! The crate from outside, with words for tokens.

use std::fs;
use std::path::Path;

use sah_bench_core::data::DataSource;
use sah_bench_core::{Benchmark as _, Record, Sample, TaskScore, TokenCount, Value};
use sah_needle::{GENERATOR, Grid, INSERTER, Needle, PredictionScores, score_predictions};
use sah_request::ModelError;

/// A word is a token, and a chat template takes ten.
struct Words;

impl TokenCount for Words {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        Ok(text.split_whitespace().count())
    }

    fn count_prompt(&self, context: &str, question: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        Ok(self.count(context)? + self.count(question)? + self.count(answer_prefix)? + 10)
    }

    fn positions(&self) -> Result<Option<usize>, ModelError> {
        Ok(Some(4000))
    }
}

fn grid(seed: u64) -> Grid {
    Grid { lengths: vec![128, 300, 4000], depths: vec![0, 10, 50, 100], rows: 3, seed }
}

fn load(grid: Grid, subsets: &[&str]) -> Vec<Sample> {
    Needle::new(grid, DataSource::Own).load(subsets, &Words).unwrap()
}

fn needle(sample: &Sample) -> &str {
    let [Value::TextList(_), Value::Text(needle), Value::Integer(_), Value::Text(generator)] =
        &sample.extra[..]
    else {
        panic!("{sample:?}")
    };
    assert_eq!(generator, GENERATOR);
    needle
}

/// The longest sentence of a haystack has fewer words.
const LONGEST: usize = 20;

#[test]
fn rows_keep_their_length_and_are_within_a_sentence_of_it() {
    for seed in 0..5 {
        for sample in load(grid(seed), &["128", "300", "4000"]) {
            let length: usize = sample.task.parse().unwrap();
            let Sample { context, question, answer_prefix, max_new_tokens, .. } = &sample;
            let tokens = Words.count_prompt(context, question, answer_prefix).unwrap() + max_new_tokens;
            assert!(tokens <= length && tokens > length - LONGEST, "{tokens} of {length}");
        }
    }
}

#[test]
fn the_needle_stands_once_at_its_depth() {
    for sample in load(grid(1), &["300", "4000"]) {
        let needle = needle(&sample);
        assert_eq!(sample.context.matches(needle).count(), 1);
        assert!(needle.starts_with(&sample.answer_prefix) && needle.contains(&sample.extra[0].texts()[0]));
        let (before, after) = sample.context.split_once(needle).unwrap();
        let sentences = |text: &str| text.matches(". ").count() + text.matches(".\n\n").count();
        // The instruction ends with one, and the needle's own full stop is left out.
        let (before, after) = (sentences(before) - 1, sentences(after));
        let Value::Integer(depth) = sample.extra[2] else { panic!() };
        assert_eq!(before, (before + after) * depth as usize / 100, "depth {depth} of {}", sample.task);
    }
}

#[test]
fn a_seed_gives_the_same_rows_and_another_gives_others() {
    let rows = load(grid(1), &["300"]);
    assert_eq!(rows, load(grid(1), &["300"]));
    assert_ne!(rows, load(grid(2), &["300"]));
    assert_eq!(rows.len(), 12);
    let contexts: std::collections::HashSet<&str> = rows.iter().map(|row| row.context.as_str()).collect();
    assert_eq!(contexts.len(), rows.len(), "each row has a haystack of its own");
    let alone = Grid { lengths: vec![300], ..grid(1) };
    assert_eq!(load(alone, &["300"]), rows, "a cell does not depend on the rest of the grid");
}

#[test]
fn a_length_that_cannot_be_is_named() {
    let small = Grid { lengths: vec![60], ..grid(1) };
    let error = Needle::new(small, DataSource::Own).load(&["60"], &Words).unwrap_err().to_string();
    assert!(error.starts_with("length 60: needle, question and answer alone take "), "{error}");
    let long = Grid { lengths: vec![4001], ..grid(1) };
    let error = Needle::new(long, DataSource::Own).load(&["4001"], &Words).unwrap_err().to_string();
    assert!(error.contains("no more than the model's 4000 positions"), "{error}");
}

/// A data set in kvpress's layout: a text of sentences of seven words, a needle, and what else `change` makes of the row.
fn data_set(
    folder: &Path,
    sentences: usize,
    change: impl Fn(&mut serde_json::Map<String, serde_json::Value>),
) -> Needle {
    let text: Vec<String> =
        (0..sentences).map(|n| format!("Sentence {n} stands here\nfor the test.")).collect();
    let row = serde_json::json!({
        "context": text.join(" "), "needle": "The best time to leave is before the rain.", "question": "When is it best to leave?",
        "answer_prefix": "The best time to leave is", "max_new_tokens": 50,
    });
    let serde_json::Value::Object(mut row) = row else { panic!() };
    change(&mut row);
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("test.jsonl"), serde_json::to_string(&row).unwrap()).unwrap();
    let grid = Grid { lengths: vec![150, 400], depths: vec![0, 33, 100], ..Grid::default() };
    Needle::new(grid, DataSource::Folder(folder.to_owned()))
}

#[test]
fn the_needle_of_a_data_set_stands_behind_a_sentence_of_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let samples = data_set(folder.path(), 200, |_| ()).load(&["150", "400"], &Words).unwrap();
    assert_eq!(samples.len(), 6);
    for sample in samples {
        let length: usize = sample.task.parse().unwrap();
        let Sample { context, question, answer_prefix, max_new_tokens, .. } = &sample;
        let tokens = Words.count_prompt(context, question, answer_prefix).unwrap() + max_new_tokens;
        assert_eq!((tokens, sample.max_new_tokens), (length, 50), "another word would not fit");
        let [Value::TextList(answers), Value::Text(needle), Value::Integer(depth), Value::Text(generator)] =
            &sample.extra[..]
        else {
            panic!("{sample:?}")
        };
        assert_eq!((&answers[..], generator.as_str()), (&["before the rain".to_owned()][..], INSERTER));
        assert_eq!(sample.question, "When is it best to leave?\n");
        let text = sample.context.strip_prefix("Read this text.\n\n").unwrap().strip_suffix("\n\n").unwrap();
        let (before, after) = text.split_once(needle.as_str()).unwrap();
        let words = |text: &str| text.split_whitespace().count();
        let place = (words(before) + words(after)) * *depth as usize / 100;
        match depth {
            0 => assert_eq!(before, ""),
            100 => assert_eq!(after, ""),
            _ => assert!(
                before.ends_with("the test. ") && (place - 6..=place).contains(&words(before)),
                "{before}"
            ),
        }
    }
}

#[test]
fn a_data_set_that_will_not_do_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = |needle: Needle| needle.load(&["400"], &Words).unwrap_err().to_string();
    let short = error(data_set(folder.path(), 10, |_| ()));
    assert!(
        short.contains("row 1, field context: expected a text that fills 400 tokens, found one for "),
        "{short}"
    );
    let missing = error(data_set(folder.path(), 200, |row| drop(row.remove("question"))));
    assert!(missing.ends_with("row 1, field question: expected a text, found nothing"), "{missing}");
    let nothing = error(data_set(folder.path(), 200, |row| {
        row.insert("needle".to_owned(), "The best time to leave is".into());
    }));
    assert!(
        nothing.contains("row 1, field needle: expected a sentence that says more than answer_prefix"),
        "{nothing}"
    );
}

#[test]
fn each_cell_has_its_figures() {
    let grid = Grid { lengths: vec![128], depths: vec![0, 100], rows: 2, seed: 3 };
    let samples = load(grid, &["128"]);
    let record = |(index, sample): (usize, Sample)| {
        // Right at the first depth, once right and once empty at the second.
        let answer = if index == 3 { String::new() } else { format!(" {}.", sample.extra[0].texts()[0]) };
        Record { predicted_answer: answer, ..Record::unanswered(index, sample) }
    };
    let mut records: Vec<Record> = samples.into_iter().enumerate().map(record).collect();
    // One that was made for another grid.
    let needle = Needle::default();
    let metrics = needle.evaluate(&records);
    let cells = [("0 %", 100.0), ("100 %", 50.0)].map(|(depth, score)| (depth.to_owned(), Some(score)));
    assert_eq!(metrics.task_scores["128"], TaskScore::Buckets(cells.into_iter().collect()));
    assert_eq!(metrics.overall_score, Some(75.0));
    let full = metrics.further["rouge"]["128"]["0 %"]["rouge-1"]["r"].as_f64().unwrap();
    let half = metrics.further["rouge"]["128"]["100 %"]["rouge-1"]["r"].as_f64().unwrap();
    assert!(full > 0.99 && (half - full / 2.0).abs() < 1e-9, "{full} {half}");
    let score = needle.score(&records[0].sample, &records[0].predicted_answer).unwrap();
    assert_eq!((score.value.to_bits(), score.bucket.as_deref()), (100.0_f64.to_bits(), Some("0 %")));

    records[0].sample.extra[2] = Value::Null;
    let metrics = needle.evaluate(&records);
    let TaskScore::Failed { error } = &metrics.task_scores["128"] else { panic!("{metrics:?}") };
    assert!(error.contains("field depth: expected an integer"), "{error}");
}

#[test]
fn predictions_are_scored_as_kvpress_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    let text = "{\"id\": \"a\", \"needle\": \"the key is there.\", \"prediction\": \"the key is there.\"}\n{\"needle\": \"x\", \"prediction\": \"\"}";
    fs::write(&file, text).unwrap();
    let scores = score_predictions(&file, None).unwrap();
    let json: Vec<_> = scores.rows.rows.iter().map(|row| PredictionScores::json(&row.score)).collect();
    assert_eq!(json[0]["rouge-l"]["r"], 1.0);
    assert_eq!(json[1], serde_json::Value::Null);
    let [(name, mean), ..] = scores.means();
    assert!(name == "rouge-1" && (mean - 0.5).abs() < 1e-6, "{mean}");
}

/// From `tests/reference/needle.py`.
#[test]
fn figures_of_predictions_are_those_of_kvpress() {
    let golden: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../reference/needle.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.jsonl");
    let lines: Vec<String> = golden.iter().map(serde_json::Value::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let scores = score_predictions(&file, None).unwrap();
    assert!(golden.iter().filter(|row| row["figures"].is_null()).count() > 1);
    for (row, scored) in golden.iter().zip(&scores.rows.rows) {
        assert_eq!(PredictionScores::json(&scored.score), row["figures"], "{row}");
    }
    assert_eq!(scores.rows.rows.len(), golden.len());
}
