//! Scoring predictions that were made elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::data::{Prediction, ReadError, Row, ScoredRows, prediction_id, score_prediction_files};
use sah_request::ThoughtsInAnswers;

use crate::error::Error;
use crate::summary::ScoredAnswer;
use crate::tasks::{SUBSETS, Task};

/// Scores the predictions in a file, or in all files of a folder as RULER leaves it.
///
/// A line has `prediction` (or `pred`), the references as `answers` (or RULER's `outputs`, or the hub's `answer`), and where they
/// are known `task` and the `length` that the row was made for. A line of RULER's own has no `task`, and its `length` is that of
/// its prompt: both stand in where the file lies, `<length>/pred/<task>.jsonl`, and `<task>-<part>.jsonl` for a part of it.
///
/// # Errors
///
/// Those of [`score_prediction_files`]; a folder without predictions, a task that RULER does not have, and a row without
/// references.
pub fn score_predictions(
    path: &Path,
    thoughts: Option<ThoughtsInAnswers>,
) -> Result<ScoredRows<ScoredAnswer>, Error> {
    if !path.is_dir() {
        let of_row = |row: &Row<'_>| prediction_id(row);
        return Ok(score_prediction_files(&[path.to_owned()], thoughts, of_row, score)?);
    }
    let files = files_in(path)?;
    // Rows of different files have the same numbers.
    let id = |row: &Row<'_>| -> Result<Option<String>, ReadError> {
        let Place { task, length } = Place::of(row.file());
        let length = length.map(|length| format!("{length}/")).unwrap_or_default();
        let task = task.map_or("", |task| task.name);
        let index = if row.has("index") { Some(row.integer("index")?.to_string()) } else { None };
        let id = prediction_id(row)?.or(index);
        Ok(Some(format!("{length}{task}/{}", id.unwrap_or_else(|| format!("line {}", row.number())))))
    };
    Ok(score_prediction_files(&files, thoughts, id, score)?)
}

/// What a file's path says of the rows in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    task: Option<&'static Task>,
    length: Option<usize>,
}

impl Place {
    /// Of `<length>/pred/<task>.jsonl`, where `<task>` may have a number of its part behind it.
    fn of(file: &Path) -> Self {
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let folder = file.parent();
        let name = |path: Option<&Path>| path?.file_name()?.to_str().map(str::to_owned);
        let length = match name(folder).as_deref() {
            Some(PREDICTIONS) => name(folder.and_then(Path::parent)),
            other => other.map(str::to_owned),
        };
        let task = file.file_stem().and_then(|stem| stem.to_str()).and_then(task_of);
        // A folder of this name elsewhere says nothing.
        Self { task, length: length.filter(|_| task.is_some()).and_then(|length| length.parse().ok()) }
    }
}

/// Where RULER's own program puts predictions, in the folder of a length.
const PREDICTIONS: &str = "pred";
/// The folder of a model's lengths.
const LENGTHS: &str = "synthetic";

/// The task of a file called `<task>` or `<task>-<part>`.
fn task_of(stem: &str) -> Option<&'static Task> {
    let whole = stem.rsplit_once('-').filter(|(_, part)| part.parse::<u32>().is_ok());
    Task::find(whole.map_or(stem, |(task, _)| task))
}

/// The files of predictions in `folder`: that of a model, of its lengths, of one of them, or of the predictions alone.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let lengths = folder.join(LENGTHS);
    let folder = if lengths.is_dir() { &lengths } else { folder };
    let mut files = predictions_in(folder)?;
    for (path, name) in entries(folder)? {
        if path.is_dir() && name.parse::<usize>().is_ok() {
            files.append(&mut predictions_in(&path)?);
        }
    }
    if files.is_empty() {
        return Err(Error::NoPredictions { folder: folder.to_owned() });
    }
    Ok(files)
}

/// Those of one length, whose folder or its `pred` this is.
fn predictions_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let inside = folder.join(PREDICTIONS);
    let folder = if inside.is_dir() { &inside } else { folder };
    let mut files = Vec::new();
    for (path, name) in entries(folder)? {
        match name.strip_suffix(".jsonl") {
            Some(stem) if task_of(stem).is_some() => files.push(path),
            Some(_) => tracing::warn!(file = %path.display(), "not named after a task of RULER: ignored"),
            None => {}
        }
    }
    Ok(files)
}

/// What is in a folder with its names, in their order.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String)>, ReadError> {
    let io = |source| ReadError::Io { path: folder.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        entries.push((entry.path(), entry.file_name().to_string_lossy().into_owned()));
    }
    entries.sort();
    Ok(entries)
}

fn score(prediction: &Prediction<'_>) -> Result<ScoredAnswer, ReadError> {
    let row = &prediction.row;
    let place = Place::of(row.file());
    let task = match (&prediction.task, place.task) {
        (None, Some(task)) => task,
        (Some(name), _) => Task::find(name)
            .ok_or_else(|| row.wrong("task", &expected_task(), format!("the text {name:?}")))?,
        (None, None) => {
            let expected = format!("{}, or a file that is called so", expected_task());
            return Err(row.wrong("task", &expected, "nothing".to_owned()));
        }
    };
    let field = ["answers", "outputs", "answer"].into_iter().find(|field| row.has(field));
    let field = field.unwrap_or("answers");
    let references = row.texts(field)?;
    if references.is_empty() {
        return Err(row.wrong(field, "one text or more", "an empty list".to_owned()));
    }
    let is_rulers_own = prediction.task.is_none() || (row.has("index") && row.has("outputs"));
    let of_row = if row.has("length") && !is_rulers_own { Some(row.tokens("length")?) } else { None };
    Ok(ScoredAnswer {
        task,
        length: of_row.or(place.length),
        score: task.score(&prediction.text, &references),
        is_empty: is_empty(&prediction.text),
    })
}

pub(crate) fn expected_task() -> String {
    format!("one of {}", SUBSETS.join(", "))
}

/// Whether an answer counts among the official `nulls`: nothing but white space and control characters.
pub(crate) fn is_empty(answer: &str) -> bool {
    answer.chars().all(|c| c <= '\u{1f}' || c.is_whitespace())
}
