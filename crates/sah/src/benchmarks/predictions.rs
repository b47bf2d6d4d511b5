//! `score NAME` of benchmarks that are scored row by row.

use sah_bench_core::data::{RowsWithThoughts, ScoredRow, ScoredRows};
use sah_bench_core::{FurtherFigures, Repeats};
use sah_request::ThoughtsInAnswers;
use serde_json::{Map, Value, json};

use super::ScoredPredictions;
use crate::terminal::{figure, interval};

/// The aggregate of scored rows: a table for the terminal, and keys of the JSON file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Aggregate {
    /// The columns of the table.
    pub(super) header: Vec<String>,
    /// Its lines.
    pub(super) lines: Vec<Vec<String>>,
    /// What the benchmark gives beside them.
    pub(super) further: Vec<FurtherFigures>,
    /// All figures in full; they stand beside `rows`.
    pub(super) figures: Map<String, Value>,
    /// What else is to be said, each a sentence without a full stop.
    pub(super) notes: Vec<String>,
}

impl Aggregate {
    /// Tasks with a word about each, their figure and their rows, and the mean of the tasks, with a word about that. `word` says
    /// what the words are, figures have `digits` decimals.
    pub(super) fn of_task_means<'a>(
        word: &str,
        digits: usize,
        tasks: impl IntoIterator<Item = (&'a str, &'a str, f64, usize)>,
        (of_mean, overall): (&str, Option<f64>),
    ) -> Self {
        let line = |name: &str, word: &str, score: Option<f64>, rows: usize| {
            vec![name.to_owned(), word.to_owned(), figure(score, digits), rows.to_string()]
        };
        let (mut lines, mut means, mut all) = (Vec::new(), Map::new(), 0);
        for (name, word, score, rows) in tasks {
            lines.push(line(name, word, Some(score), rows));
            means.insert(name.to_owned(), json!(score));
            all += rows;
        }
        lines.push(line("mean of tasks", of_mean, overall, all));
        let figures =
            [("task_scores".to_owned(), Value::Object(means)), ("overall_score".to_owned(), json!(overall))];
        Self {
            header: ["task", word, "score", "rows"].map(str::to_owned).to_vec(),
            lines,
            figures: figures.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What `score NAME` gives: `{"rows": {id: score}, ...}` with the figures of `aggregate`. `value` is the score of a row as it
/// stands in the file: a number, null where no score is defined, or an object of figures; of several predictions for a row it is
/// the list of theirs.
pub(super) fn scored<T>(
    rows: &ScoredRows<T>,
    value: impl Fn(&T) -> Value,
    aggregate: Aggregate,
) -> ScoredPredictions {
    let Aggregate { header, lines, further, figures, mut notes } = aggregate;
    let of_id = |(id, rows): (&str, Vec<&ScoredRow<T>>)| {
        let mut values: Vec<Value> = rows.iter().map(|row| value(&row.score)).collect();
        let value = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
        (id.to_owned(), value)
    };
    let of_rows: Map<String, Value> = rows.by_id().into_iter().map(of_id).collect();
    let mut json = Map::new();
    json.insert("rows".to_owned(), Value::Object(of_rows));
    json.extend(figures);
    notes.extend(rows.thoughts.iter().map(note_of_thoughts));
    ScoredPredictions {
        header,
        rows: lines,
        further,
        json: Value::Object(json),
        count: rows.rows.len(),
        notes,
    }
}

/// What several predictions for each row of `task` say: columns of the table with their values, of predictions `digits` exact.
pub(super) fn repeat_columns(repeats: Option<&Repeats>, task: &str, digits: usize) -> Vec<(String, String)> {
    let Some((repeats, figures)) = repeats.and_then(|all| Some((all, all.figures.get(task)?))) else {
        return Vec::new();
    };
    figures.named(repeats.count).map(|(name, figure)| (name, interval(figure, digits))).collect()
}

/// What was done with thoughts.
pub(super) fn note_of_thoughts(counts: &RowsWithThoughts) -> String {
    let RowsWithThoughts { rows, unfinished, thoughts } = counts;
    match thoughts {
        ThoughtsInAnswers::Kept => format!(
            "thoughts are scored, as the official scorer does it (predictions with thoughts: {rows}; without an end: \
             {unfinished}); --cut-thoughts scores what follows them"
        ),
        ThoughtsInAnswers::LeftOut => format!(
            "thoughts are left out (predictions with thoughts: {rows}; without an end, so without an answer: \
             {unfinished}); --keep-thoughts scores them"
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_stand_beside_the_figures() {
        let row = |id: &str, score: Option<f64>| ScoredRow { id: id.to_owned(), task: None, score };
        let rows = ScoredRows {
            rows: vec![row("b", Some(50.0)), row("a", None)],
            thoughts: Some(RowsWithThoughts { rows: 2, unfinished: 1, thoughts: ThoughtsInAnswers::LeftOut }),
        };
        let figures = json!({"mean": 50.0}).as_object().unwrap().clone();
        let scored = scored(&rows, |score| json!(score), Aggregate { figures, ..Aggregate::default() });
        assert_eq!(scored.json.to_string(), r#"{"rows":{"b":50.0,"a":null},"mean":50.0}"#);
        assert_eq!(scored.count, 2);
        assert!(scored.notes[0].contains("without an answer: 1"), "{:?}", scored.notes);
    }
}
