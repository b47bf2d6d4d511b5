//! The figures of a finished run.

use indexmap::IndexMap;
use rayon::prelude::*;
use sah_bench_core::{Metrics, Record, Sample, TaskScore, Value};
use serde_json::json;

use crate::{
    BUCKETS, MetricError, TASKS, Task,
    aggregate::{bucket_scores, mean_of_scores, task_score},
    benchmark::{ALL_CLASSES, ANSWERS, LENGTH},
};

/// Scores `records`, in parallel, and adds up tasks in the order of [`TASKS`].
///
/// - `task_scores`: of a standard task one figure from 0 to 100, of an extended one a figure for each bucket;
/// - `standard_overall_score`: the mean over the standard tasks;
/// - `extended_overall_scores`: for each bucket the mean over the extended tasks that have rows in it;
/// - `overall_score`: the mean over all these task and bucket scores.
///
/// A task with a row that cannot be scored is reported as failed, with the reason, and is left out of the means.
/// What has nothing to average is null.
pub(crate) fn evaluate(records: &[Record]) -> Metrics {
    let scores: Vec<_> = records.par_iter().map(score).collect();
    let mut task_scores = IndexMap::new();
    for task in &TASKS {
        let of_task = records.iter().zip(&scores).filter(|(row, _)| row.sample.task == task.name);
        let rows: Vec<_> = of_task.map(|(_, score)| score).collect();
        if !rows.is_empty() {
            task_scores.insert(task.name.to_owned(), summarise(task, &rows));
        }
    }
    for record in records {
        if Task::find(&record.sample.task).is_none() {
            let error = format!("LongBench has no task {:?}", record.sample.task);
            task_scores.entry(record.sample.task.clone()).or_insert(TaskScore::Failed { error });
        }
    }
    metrics(task_scores, records.len())
}

/// The score and the length of a row.
fn score(record: &Record) -> Result<(f64, i64), String> {
    score_answer(&record.sample, &record.predicted_answer).map_err(
        |Unscorable { field, problem }| match field {
            TASK => problem,
            field => format!("row {}, field {field}: {problem}", record.index),
        },
    )
}

const TASK: &str = "task";

/// Why an answer cannot be scored.
pub(crate) struct Unscorable {
    /// The field of the sample that is wrong.
    pub(crate) field: &'static str,
    /// What is wrong with it.
    pub(crate) problem: String,
}

/// The score of `answer`, from 0 to 1, and the length of the sample.
pub(crate) fn score_answer(sample: &Sample, answer: &str) -> Result<(f64, i64), Unscorable> {
    let wrong = |field: &'static str, problem: &str| Unscorable { field, problem: problem.to_owned() };
    let task = Task::find(&sample.task).ok_or_else(|| wrong(TASK, "no such task"))?;
    let Some(Value::TextList(answers)) = sample.extra.get(ANSWERS) else {
        return Err(wrong("answers", "expected a list of texts"));
    };
    let classes = match sample.extra.get(ALL_CLASSES) {
        Some(Value::TextList(classes)) => Some(classes.as_slice()),
        _ => None,
    };
    let length = match sample.extra.get(LENGTH) {
        Some(&Value::Integer(length)) => length,
        _ if task.is_extended() => return Err(wrong("length", "expected an integer")),
        _ => 0,
    };
    let score = task
        .score(answer, answers, classes)
        .map_err(|error| wrong(faulty_field(&error), &error.to_string()))?;
    Ok((score, length))
}

/// The field that keeps a row from being scored.
pub(crate) fn faulty_field(error: &MetricError) -> &'static str {
    match error {
        MetricError::NoParagraph { .. } => "answers",
        MetricError::NoClasses => "all_classes",
    }
}

/// `rows` are scores and lengths of the rows of `task`.
fn summarise(task: &Task, rows: &[&Result<(f64, i64), String>]) -> TaskScore {
    let mut lengths = Vec::with_capacity(rows.len());
    let mut scores = Vec::with_capacity(rows.len());
    for row in rows {
        match row {
            Ok((score, length)) => {
                lengths.push(*length);
                scores.push(*score);
            }
            Err(error) => return TaskScore::Failed { error: error.clone() },
        }
    }
    if task.is_extended() {
        return TaskScore::Buckets(bucket_scores(lengths.into_iter().zip(scores)));
    }
    // There is at least one row.
    TaskScore::Single(task_score(&scores).unwrap_or_default())
}

fn metrics(task_scores: IndexMap<String, TaskScore>, samples: usize) -> Metrics {
    let mut standard = Vec::new();
    let mut extended: IndexMap<&str, Vec<f64>> = BUCKETS.iter().map(|&bucket| (bucket, Vec::new())).collect();
    let mut all = Vec::new();
    for score in task_scores.values() {
        match score {
            TaskScore::Single(score) => {
                standard.push(*score);
                all.push(*score);
            }
            TaskScore::Buckets(buckets) => {
                for (bucket, score) in buckets {
                    if let (Some(bucket), Some(score)) = (extended.get_mut(bucket.as_str()), score) {
                        bucket.push(*score);
                        all.push(*score);
                    }
                }
            }
            TaskScore::Failed { .. } => {}
        }
    }
    let extended: IndexMap<&str, Option<f64>> =
        extended.into_iter().map(|(bucket, scores)| (bucket, mean_of_scores(&scores))).collect();
    let mut further = serde_json::Map::new();
    further.insert("standard_overall_score".to_owned(), json!(mean_of_scores(&standard)));
    further.insert("extended_overall_scores".to_owned(), json!(extended));

    let is_extended = |name: &String| Task::find(name).is_some_and(Task::is_extended);
    let extended_tasks = task_scores.keys().filter(|name| is_extended(name)).count();
    let summary = [
        ("total_tasks", task_scores.len()),
        ("standard_tasks", task_scores.len() - extended_tasks),
        ("extended_tasks", extended_tasks),
        ("total_samples", samples),
    ];
    Metrics {
        overall_score: mean_of_scores(&all),
        task_scores,
        further,
        summary: summary.map(|(name, number)| (name.to_owned(), number as u64)).into_iter().collect(),
    }
}
