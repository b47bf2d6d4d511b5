//! Scoring predictions that something else made: a file of them, a score for each row.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use sah_request::{Thoughts, ThoughtsInAnswers, split_thoughts};
use serde::{Deserialize, Serialize};

use super::{ReadError, Row, json_lines, read_text};

/// A prediction and the row that it stands in, with the right answers in fields of the benchmark's own.
#[derive(Debug)]
pub struct Prediction<'a> {
    /// Which row it is: the field `id` or `_id`, a text or a number; without one its place among the rows, from 0.
    pub id: String,
    /// The task; `None` where the row has none.
    pub task: Option<String>,
    /// What the model answered, without thoughts unless they are kept.
    pub text: String,
    /// The row.
    pub row: Row<'a>,
}

impl Prediction<'_> {
    /// The task.
    ///
    /// # Errors
    ///
    /// [`ReadError::Field`] where the row has none.
    pub fn task(&self) -> Result<&str, ReadError> {
        let none = || self.row.wrong("task", "a text", "nothing".to_owned());
        self.task.as_deref().ok_or_else(none)
    }
}

/// What came of a prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredRow<T> {
    /// [`Prediction::id`].
    pub id: String,
    /// [`Prediction::task`].
    pub task: Option<String>,
    /// What it is worth.
    pub score: T,
}

/// What came of a file of predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredRows<T> {
    /// Row by row, in the order of the file.
    pub rows: Vec<ScoredRow<T>>,
    /// Those that had thoughts; `None` where there is none.
    pub thoughts: Option<RowsWithThoughts>,
}

impl<T> ScoredRows<T> {
    /// By id, in the order of the file: one row, or those of several predictions for it.
    #[must_use]
    pub fn by_id(&self) -> IndexMap<&str, Vec<&ScoredRow<T>>> {
        let mut by_id: IndexMap<&str, Vec<&ScoredRow<T>>> = IndexMap::new();
        for row in &self.rows {
            by_id.entry(&row.id).or_default().push(row);
        }
        by_id
    }
}

/// Predictions that had thoughts in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsWithThoughts {
    /// How many.
    pub rows: usize,
    /// Those of them whose thoughts have no end: nothing is known of their answers.
    pub unfinished: usize,
    /// What is done with them.
    pub thoughts: ThoughtsInAnswers,
}

impl RowsWithThoughts {
    /// Those among predictions with the thoughts `found`; `None` where there is none. Without `thoughts`, what is done with them
    /// is what fits all of them ([`ThoughtsInAnswers::of_answers`]).
    #[must_use]
    pub fn of(found: &[Option<Thoughts>], thoughts: Option<ThoughtsInAnswers>) -> Option<Self> {
        let found: Vec<&Thoughts> = found.iter().flatten().collect();
        let (rows, unfinished) = (found.len(), found.iter().filter(|one| !one.is_finished).count());
        let thoughts = thoughts.unwrap_or(ThoughtsInAnswers::of_answers(rows, unfinished));
        (rows > 0).then_some(Self { rows, unfinished, thoughts })
    }
}

/// Scores the predictions in `file`, JSON Lines with `prediction` (or `predicted_answer`, `response`, `pred`, the first that is there), `task` and `id` beside the
/// fields that `score` reads. A prediction that is null is an empty one: a row without an answer counts as a wrong answer. What
/// is done with `thoughts` is that of [`RowsWithThoughts::of`].
///
/// # Errors
///
/// A file that cannot be read or has no rows, the first row that lacks a field or has the id of another one, and the first error
/// of `score`.
pub fn score_predictions<T, E: From<ReadError>>(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
    score: impl FnMut(&Prediction<'_>) -> Result<T, E>,
) -> Result<ScoredRows<T>, E> {
    score_prediction_files(&[file.to_owned()], thoughts, prediction_id, score)
}

/// As [`score_predictions`], of several files whose rows are one set. The id of a row is what `id` says, or without that its
/// place among all rows.
///
/// # Errors
///
/// As [`score_predictions`], and those of `id`.
pub fn score_prediction_files<T, E: From<ReadError>>(
    files: &[PathBuf],
    thoughts: Option<ThoughtsInAnswers>,
    id: impl Fn(&Row<'_>) -> Result<Option<String>, ReadError>,
    score: impl FnMut(&Prediction<'_>) -> Result<T, E>,
) -> Result<ScoredRows<T>, E> {
    let mut places: HashMap<String, (PathBuf, usize)> = HashMap::new();
    score_all(files, thoughts, id, score, |row, id, _| {
        match places.insert(id.to_owned(), (row.file().to_owned(), row.number())) {
            None => Ok(()),
            Some((file, line)) => Err(same_id(row, id, &file, line)),
        }
    })
}

/// As [`score_predictions`], of predictions of which several belong to one row: those that have the same id, apart by their field `repeat` where
/// they have one. Of each row there must be as many.
///
/// # Errors
///
/// As [`score_predictions`], but for rows that share an id: of these the first that has the `repeat` or another `task` than one
/// before it, and the first id that has more or fewer than the first one.
pub fn score_repeated_predictions<T, E: From<ReadError>>(
    file: &Path,
    thoughts: Option<ThoughtsInAnswers>,
    score: impl FnMut(&Prediction<'_>) -> Result<T, E>,
) -> Result<ScoredRows<T>, E> {
    let mut seen: IndexMap<String, Vec<Repeat>> = IndexMap::new();
    let scored = score_all(&[file.to_owned()], thoughts, prediction_id, score, |row, id, task| {
        let number = if row.has("repeat") { Some(row.integer("repeat")?) } else { None };
        let of_id = seen.entry(id.to_owned()).or_default();
        if let Some(other) = of_id.iter().find(|other| other.task.as_deref() != task) {
            return Err(same_id(row, id, row.file(), other.line));
        }
        if let Some(other) = of_id.iter().find(|other| number.is_some() && other.number == number) {
            let found = format!("{}, which row {} of {id:?} has too", number.unwrap_or_default(), other.line);
            return Err(row.wrong("repeat", "one for each prediction of an id", found));
        }
        of_id.push(Repeat { line: row.number(), task: task.map(str::to_owned), number });
        Ok(())
    })?;
    let expected = seen.first().map_or(0, |(_, first)| first.len());
    if let Some((id, other)) = seen.iter().find(|(_, other)| other.len() != expected) {
        let first = seen.first().map_or("", |(id, _)| id);
        return Err(ReadError::Field {
            file: file.to_owned(),
            row: other[0].line,
            field: "id",
            expected: format!("{expected} predictions for each, as {first:?} has"),
            found: format!("{} of {id:?}", other.len()),
        }
        .into());
    }
    Ok(scored)
}

/// One of several predictions with the same id.
struct Repeat {
    line: usize,
    task: Option<String>,
    number: Option<i64>,
}

/// `line` of `file` has the id of `row`, too.
fn same_id(row: &Row<'_>, id: &str, file: &Path, line: usize) -> ReadError {
    let of_file = if file == row.file() { String::new() } else { format!(" of {}", file.display()) };
    row.wrong("id", "one for each row", format!("{id:?}, which row {line}{of_file} has too"))
}

/// `check` is told of each row, its id and its task.
fn score_all<T, E: From<ReadError>>(
    files: &[PathBuf],
    thoughts: Option<ThoughtsInAnswers>,
    id: impl Fn(&Row<'_>) -> Result<Option<String>, ReadError>,
    mut score: impl FnMut(&Prediction<'_>) -> Result<T, E>,
    mut check: impl FnMut(&Row<'_>, &str, Option<&str>) -> Result<(), ReadError>,
) -> Result<ScoredRows<T>, E> {
    let texts: Vec<(&PathBuf, String)> =
        (files.iter()).map(|file| Ok((file, read_text(file)?))).collect::<Result<_, ReadError>>()?;
    let mut lines: Vec<Row<'_>> = Vec::new();
    for (file, text) in &texts {
        let before = lines.len();
        for line in json_lines(text, file) {
            lines.push(line.parse()?);
        }
        if lines.len() == before {
            return Err(ReadError::NoRows { file: (*file).clone() }.into());
        }
    }
    let found = lines.iter().map(|row| Ok(split_thoughts(predicted(row)?).thoughts));
    let counts = RowsWithThoughts::of(&found.collect::<Result<Vec<_>, ReadError>>()?, thoughts);
    let thoughts = counts.map_or(ThoughtsInAnswers::Kept, |counts| counts.thoughts);
    let mut rows = Vec::new();
    for (place, row) in lines.into_iter().enumerate() {
        let text = thoughts.split(predicted(&row)?).answer.to_owned();
        let id = id(&row)?.unwrap_or_else(|| place.to_string());
        let task = if row.has("task") { Some(row.text("task")?.to_owned()) } else { None };
        check(&row, &id, task.as_deref())?;
        let prediction = Prediction { id, task, text, row };
        let score = score(&prediction)?;
        rows.push(ScoredRow { id: prediction.id, task: prediction.task, score });
    }
    Ok(ScoredRows { rows, thoughts: counts })
}

fn predicted<'a>(row: &'a Row<'_>) -> Result<&'a str, ReadError> {
    let is_there = |field: &&&str| row.json(field).is_some();
    let field =
        ["prediction", "predicted_answer", "response", "pred"].iter().find(is_there).unwrap_or(&"prediction");
    if row.json(field).is_some_and(serde_json::Value::is_null) { Ok("") } else { row.text(field) }
}

/// The field `id` or `_id` of a row of predictions.
///
/// # Errors
///
/// A value that is neither a text nor a number.
pub fn prediction_id(row: &Row<'_>) -> Result<Option<String>, ReadError> {
    for field in ["id", "_id"] {
        match row.json(field) {
            None | Some(serde_json::Value::Null) => {}
            Some(serde_json::Value::Number(number)) => return Ok(Some(number.to_string())),
            Some(_) => return row.text(field).map(|id| Some(id.to_owned())),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(text: &str) -> Result<ScoredRows<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        std::fs::write(&file, text).unwrap();
        let scored = score_predictions(&file, None, |prediction| {
            Ok(format!("{} {}", prediction.task()?, prediction.text))
        });
        scored.map_err(|error: ReadError| error.to_string().replace(&file.display().to_string(), "FILE"))
    }

    #[test]
    fn each_row_has_an_id_a_task_and_a_prediction() {
        let text = concat!(
            r#"{"id": "a", "task": "t", "prediction": "x"}"#,
            "\n\n",
            r#"{"_id": 7, "task": "t", "pred": "<think>y</think>\nz"}"#,
            "\n",
            r#"{"task": "t", "predicted_answer": "<think>y"}"#,
            "\n",
            r#"{"id": null, "task": "t", "prediction": null}"#,
        );
        let scored = score(text).unwrap();
        let rows: Vec<_> = scored.rows.iter().map(|row| (row.id.as_str(), row.score.as_str())).collect();
        assert_eq!(rows, [("a", "t x"), ("7", "t z"), ("2", "t "), ("3", "t ")]);
        let thoughts = ThoughtsInAnswers::LeftOut;
        assert_eq!(scored.thoughts, Some(RowsWithThoughts { rows: 2, unfinished: 1, thoughts }));
    }

    fn score_repeated(rows: &[&str]) -> Result<Vec<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.jsonl");
        std::fs::write(&file, rows.join("\n")).unwrap();
        let scored = score_repeated_predictions(&file, None, |prediction| Ok(prediction.text.clone()));
        let by_id = |scored: ScoredRows<String>| {
            let join =
                |rows: &Vec<&ScoredRow<String>>| rows.iter().map(|row| &*row.score).collect::<String>();
            scored.by_id().iter().map(|(id, rows)| ((*id).to_owned(), join(rows))).collect()
        };
        let error = |error: ReadError| error.to_string().replace(&file.display().to_string(), "FILE");
        scored.map(by_id).map_err(error)
    }

    #[test]
    fn several_predictions_may_belong_to_a_row() {
        let (a, b) = (r#"{"id": "a", "pred": "x"}"#, r#"{"id": "b", "pred": "y"}"#);
        let both =
            |a: &str, b: &str| Ok(vec![("a".to_owned(), a.to_owned()), ("b".to_owned(), b.to_owned())]);
        assert_eq!(score_repeated(&[a, b]), both("x", "y"));
        assert_eq!(score_repeated(&[a, b, a, b]), both("xx", "yy"));
        let numbered = |number: usize| format!(r#"{{"id": "a", "repeat": {number}, "pred": "{number}"}}"#);
        assert_eq!(score_repeated(&[&numbered(1), &numbered(0), b, b]), both("10", "yy"));

        let error = |rows: &[&str]| score_repeated(rows).unwrap_err();
        assert_eq!(
            error(&[a, b, b, b, a]),
            "FILE: row 2, field id: expected 2 predictions for each, as \"a\" has, found 3 of \"b\""
        );
        assert_eq!(
            error(&[&numbered(1), &numbered(1)]),
            "FILE: row 2, field repeat: expected one for each prediction of an id, found 1, which row 1 of \"a\" has too"
        );
        let other_task = r#"{"id": "a", "task": "t", "pred": "x"}"#;
        assert!(
            error(&[a, other_task]).contains("field id: expected one for each row"),
            "{}",
            error(&[a, other_task])
        );
    }

    #[test]
    fn several_files_are_one_set() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
        for (file, text) in files.iter().zip(["{\"pred\": \"<think>y</think>z\"}", "{\"pred\": \"x\"}"]) {
            std::fs::write(file, text).unwrap();
        }
        let scored = |id: &dyn Fn(&Row<'_>) -> Result<Option<String>, ReadError>| {
            score_prediction_files(&files, None, id, |prediction| Ok::<_, ReadError>(prediction.text.clone()))
        };
        let rows = scored(&prediction_id).unwrap();
        let texts: Vec<_> = rows.rows.iter().map(|row| (row.id.as_str(), row.score.as_str())).collect();
        assert_eq!(texts, [("0", "z"), ("1", "x")]);
        assert_eq!(rows.thoughts.unwrap().rows, 1);
        let error = scored(&|_| Ok(Some("same".to_owned()))).unwrap_err().to_string();
        assert!(error.ends_with("a.jsonl has too") && error.contains("which row 1 of "), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, message) in [
            (r#"{"task": "t"}"#, "FILE: row 1, field prediction: expected a text, found nothing"),
            (r#"{"prediction": "t"}"#, "FILE: row 1, field task: expected a text, found nothing"),
            (
                "{\"id\": 1, \"task\": \"t\", \"pred\": \"\"}\n{\"id\": \"1\", \"task\": \"t\", \"pred\": \"\"}",
                "FILE: row 2, field id: expected one for each row, found \"1\", which row 1 has too",
            ),
            ("\n", "FILE: the file has no rows"),
        ] {
            assert_eq!(score(text).unwrap_err(), message);
        }
    }
}
