//! Scoring predictions that something else made.

use std::path::Path;

use sah_bench_core::data::{Prediction, ReadError, ScoredRows, score_predictions as score_rows};
use sah_request::ThoughtsInAnswers;

use crate::dataset::{json_label, options_of_question, with_letter};
use crate::{Error, SUBSETS, TASKS, Task};

/// Scores the predictions in `file`, JSON Lines with `task`, `prediction` and the answer as `label`, `ground_truth` (as the
/// authors' result files have it) or `answer`.
///
/// An answer may be the authors' (numbers, the option's text and its letter), that of their data (the option's text, beside
/// `options`) or that of the hub's copy (numbers as texts, the letter beside `question`). A row whose `model` is `gpt4` is scored by
/// the official rule for it.
///
/// # Errors
///
/// Those of [`sah_bench_core::data::score_predictions`], and an answer that is not what the task's rule needs.
pub fn score_predictions(file: &Path, thoughts: Option<ThoughtsInAnswers>) -> Result<ScoredRows<f64>, Error> {
    score_rows(file, thoughts, |prediction| Ok(score(prediction)?))
}

fn score(prediction: &Prediction<'_>) -> Result<f64, ReadError> {
    let row = &prediction.row;
    let name = prediction.task()?;
    let unknown = || row.wrong("task", &format!("one of {}", SUBSETS.join(", ")), format!("{name:?}"));
    let task = Task::find(name).ok_or_else(unknown)?;
    let field = ["label", "ground_truth"].into_iter().find(|field| row.has(field)).unwrap_or("answer");
    let mut label = json_label(row, field)?;
    if let (true, [answer]) = (task.metric.has_options(), label.as_slice()) {
        let options = match row.optional_texts("options")? {
            Some(options) => options,
            None => options_of_question(row.text("question")?).unwrap_or_default(),
        };
        label = with_letter(answer, &options).ok_or_else(|| {
            row.wrong(field, "an option or its letter", format!("{answer:?} and the options {options:?}"))
        })?;
    }
    let is_gpt4 = row.json("model").and_then(serde_json::Value::as_str) == Some("gpt4");
    let score = if is_gpt4 {
        task.score_of_gpt4(&prediction.text, &label)
    } else {
        task.score(&prediction.text, &label)
    };
    score.map_err(|error| row.wrong(field, error.expected, format!("{:?}", error.found)))
}

/// The figures of scored predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Each task with rows, in the order of [`TASKS`]: its mean from 0 to 1, and its rows.
    pub tasks: Vec<(&'static Task, f64, usize)>,
    /// The mean of these.
    pub overall: f64,
}

/// The mean of each task, and the mean of these means, which is the paper's average where all twelve are there.
#[must_use]
pub fn figures(rows: &ScoredRows<f64>) -> Figures {
    let of_task = |task: &'static Task| {
        let scores =
            rows.rows.iter().filter(|row| row.task.as_deref() == Some(task.name)).map(|row| row.score);
        let scores: Vec<f64> = scores.collect();
        (!scores.is_empty()).then(|| (task, scores.iter().sum::<f64>() / scores.len() as f64, scores.len()))
    };
    let tasks: Vec<_> = TASKS.iter().filter_map(of_task).collect();
    let overall = tasks.iter().map(|(_, mean, _)| mean).sum::<f64>() / tasks.len() as f64;
    Figures { tasks, overall }
}
