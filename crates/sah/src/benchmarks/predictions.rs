//! `score NAME` of benchmarks that are scored row by row.

use sah_bench_core::data::{RowsWithThoughts, ScoredRows};
use serde_json::{Map, Value};

use super::ScoredPredictions;

/// The aggregate of scored rows: a table for the terminal, and keys of the JSON file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Aggregate {
    /// The columns of the table.
    pub(super) header: Vec<String>,
    /// Its lines.
    pub(super) lines: Vec<Vec<String>>,
    /// All figures in full; they stand beside `rows`.
    pub(super) figures: Map<String, Value>,
    /// What else is to be said, each a sentence without a full stop.
    pub(super) notes: Vec<String>,
}

/// What `score NAME` gives: `{"rows": {id: score}, ...}` with the figures of `aggregate`. `value` is the score of a row as it
/// stands in the file: a number, null where no score is defined, or an object of figures.
pub(super) fn scored<T>(
    rows: &ScoredRows<T>,
    value: impl Fn(&T) -> Value,
    aggregate: Aggregate,
) -> ScoredPredictions {
    let Aggregate { header, lines, figures, mut notes } = aggregate;
    let of_rows: Map<String, Value> =
        rows.rows.iter().map(|row| (row.id.clone(), value(&row.score))).collect();
    let mut json = Map::new();
    json.insert("rows".to_owned(), Value::Object(of_rows));
    json.extend(figures);
    notes.extend(rows.thoughts.iter().map(note_of_thoughts));
    ScoredPredictions { header, rows: lines, json: Value::Object(json), count: rows.rows.len(), notes }
}

/// That thoughts were left out.
pub(super) fn note_of_thoughts(thoughts: &RowsWithThoughts) -> String {
    let RowsWithThoughts { rows, unfinished } = thoughts;
    let said = format!("{rows} predictions had thoughts, which were left out (--keep-thoughts scores them)");
    match unfinished {
        0 => said,
        _ => format!("{said}; {unfinished} of these had no end and count as empty answers"),
    }
}

#[cfg(test)]
mod tests {
    use sah_bench_core::data::ScoredRow;
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_stand_beside_the_figures() {
        let row = |id: &str, score: Option<f64>| ScoredRow { id: id.to_owned(), task: None, score };
        let rows = ScoredRows {
            rows: vec![row("b", Some(50.0)), row("a", None)],
            thoughts: Some(RowsWithThoughts { rows: 2, unfinished: 1 }),
        };
        let figures = json!({"mean": 50.0}).as_object().unwrap().clone();
        let scored = scored(&rows, |score| json!(score), Aggregate { figures, ..Aggregate::default() });
        assert_eq!(scored.json.to_string(), r#"{"rows":{"b":50.0,"a":null},"mean":50.0}"#);
        assert_eq!(scored.count, 2);
        assert!(scored.notes[0].contains("1 of these had no end"), "{:?}", scored.notes);
    }
}
