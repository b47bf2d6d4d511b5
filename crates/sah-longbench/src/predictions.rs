//! Scoring predictions that were made elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use rayon::prelude::*;
use sah_bench_core::data::{Hint, JsonLine, ReadError, Row, RowsWithThoughts, json_lines, read_text};
use sah_request::{Thoughts, ThoughtsInAnswers, split_thoughts};
use serde::{Deserialize, Serialize};

use crate::{
    Error, TASKS, Task,
    aggregate::{bucket_scores, task_score},
    evaluate::faulty_field,
};

/// The scores of a folder of predictions, from 0 to 100.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictionScores {
    /// Of each task that has a file, in the order of [`TASKS`].
    pub standard: IndexMap<String, f64>,
    /// The same rows in the buckets of LongBench-E, for the tasks that have such a config; `None` for an empty bucket.
    pub extended: IndexMap<String, IndexMap<String, Option<f64>>>,
    /// How many rows were scored.
    #[serde(skip)]
    pub rows: usize,
    /// Rows with thoughts; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<RowsWithThoughts>,
}

/// Scores the files `<task>.jsonl` in `folder`, where `<task>` is one of the 21 standard tasks; other files are
/// ignored, with a warning if they end in `.jsonl`.
///
/// A row is a JSON object with `predicted_answer` (or `pred`, as the LongBench authors call it), `answers` (a list of
/// texts), `all_classes` (a list of texts; only classification tasks need it) and `length` (an integer; only tasks
/// with a LongBench-E config need it). Blank lines are skipped. Where `thoughts` are left out, a prediction is what follows the
/// thoughts in it, by the tags of published models; `None` takes what fits all predictions of the folder
/// ([`ThoughtsInAnswers::of_answers`]).
///
/// # Errors
///
/// A missing folder, one without predictions, an unreadable or empty file, and the first row that is wrong, by file
/// and line.
pub fn score_predictions(
    folder: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<PredictionScores, Error> {
    if folder.is_file() {
        return Err(ReadError::NotAFolder { file: folder.to_owned() }.into());
    }
    if !folder.is_dir() {
        let expected = "predictions, <task>.jsonl".to_owned();
        return Err(ReadError::NoFolder { folder: folder.to_owned(), expected }.into());
    }
    warn_of_ignored(folder)?;
    let files = read_files(folder)?;
    let rows: Vec<Vec<Row<'_>>> = files.iter().map(PredictionFile::rows).collect::<Result<_, _>>()?;
    let found: Vec<Option<Thoughts>> = rows
        .par_iter()
        .flatten()
        .map(|row| Ok(split_thoughts(prediction(row)?).thoughts))
        .collect::<Result<_, ReadError>>()?;
    let counts = RowsWithThoughts::of(&found, thoughts);
    let thoughts = counts.map_or(ThoughtsInAnswers::Kept, |counts| counts.thoughts);
    let mut scores = PredictionScores { thoughts: counts, ..PredictionScores::default() };
    for (PredictionFile { task, path, .. }, rows) in files.iter().zip(&rows) {
        let rows: Vec<ScoredRow> =
            rows.par_iter().map(|row| ScoredRow::new(task, row, thoughts)).collect::<Result<_, Error>>()?;
        let row_scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
        let score = task_score(&row_scores).ok_or_else(|| ReadError::NoRows { file: path.clone() })?;
        scores.rows += rows.len();
        scores.standard.insert(task.name.to_owned(), score);
        if let Some(extended) = task.extended() {
            scores.extended.insert(
                extended.name.to_owned(),
                bucket_scores(rows.iter().map(|row| (row.length, row.score))),
            );
        }
    }
    Ok(scores)
}

/// A file of predictions.
struct PredictionFile {
    task: &'static Task,
    path: PathBuf,
    text: String,
}

impl PredictionFile {
    fn rows(&self) -> Result<Vec<Row<'_>>, ReadError> {
        let lines: Vec<_> = json_lines(&self.text, &self.path).collect();
        lines.into_par_iter().map(JsonLine::parse).collect()
    }
}

/// The files of standard tasks, in the order of [`TASKS`].
fn read_files(folder: &Path) -> Result<Vec<PredictionFile>, Error> {
    let mut files = Vec::new();
    for task in TASKS.iter().filter(|task| !task.is_extended()) {
        let path = folder.join(format!("{}.jsonl", task.name));
        if path.is_file() {
            files.push(PredictionFile { task, text: read_text(&path)?, path });
        }
    }
    if files.is_empty() {
        let names: Vec<String> = TASKS.iter().map(|task| format!("{}.jsonl", task.name)).collect();
        let hint = Hint::of(folder, &names);
        return Err(Error::NoPredictions { folder: folder.to_owned(), hint });
    }
    Ok(files)
}

/// The text of a prediction, by either of its names.
fn prediction<'a>(row: &'a Row<'_>) -> Result<&'a str, ReadError> {
    let field = if row.has("predicted_answer") || !row.has("pred") { "predicted_answer" } else { "pred" };
    row.text(field)
}

/// Says which predictions are not looked at, for instance `qasper_e.jsonl`: that is easily taken for a task's file.
fn warn_of_ignored(folder: &Path) -> Result<(), Error> {
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let task = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        if task.is_some_and(|task| Task::find(task).is_none_or(Task::is_extended)) {
            tracing::warn!(file = %folder.join(&name).display(), "not named after a standard task: ignored");
        }
    }
    Ok(())
}

/// What came of a row.
struct ScoredRow {
    length: i64,
    score: f64,
}

impl ScoredRow {
    fn new(task: &Task, row: &Row<'_>, thoughts: ThoughtsInAnswers) -> Result<Self, Error> {
        let answer = thoughts.split(prediction(row)?).answer;
        let answers = row.texts("answers")?;
        let classes = row.optional_texts("all_classes")?;
        let length = if task.extended().is_some() { row.integer("length")? } else { 0 };
        let score = task
            .score(answer, &answers, classes.as_deref())
            .map_err(|error| Error::reference(row, faulty_field(&error), error))?;
        Ok(Self { length, score })
    }
}
