//! The scores in a `metrics.json` as Arrow.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ProjectionMask;
use sah_bench_core::{Metrics, TaskScore, read_json};
use serde_json::Value;

use crate::rows::parquet;

/// A figure: the score of a task, or of a bucket of it.
struct Figure {
    task: String,
    bucket: Option<String>,
    score: Option<f64>,
    /// Samples; `None` of a bucket, of which results do not say it but with `--repeats`.
    rows: Option<i64>,
    /// The 95 % confidence interval, which results have with `--repeats`.
    interval: [Option<f64>; 2],
    /// Why there is no score.
    error: Option<String>,
}

/// The scores in the file `metrics`, a row for each task, or for each of its buckets.
pub(crate) fn read(metrics: &Path) -> Result<RecordBatch, String> {
    let Metrics { task_scores, further, .. } = read_json(metrics).map_err(|error| error.to_string())?;
    let counts = samples(&metrics.with_file_name("raw_results.parquet"))?;
    let repeats = further.get("repeats").map(|repeats| &repeats["figures"]);
    let mut figures = Vec::new();
    for (task, score) in task_scores {
        let figure = |bucket: Option<String>, score, error| {
            let key = bucket.as_ref().map_or_else(|| task.clone(), |bucket| format!("{task} {bucket}"));
            let repeated = repeats.map(|figures| &figures[key]);
            let rows = repeated.map_or_else(
                || counts.get(&task).copied().filter(|_| bucket.is_none()),
                |repeated| repeated["rows"].as_i64(),
            );
            let bound = |name| repeated.and_then(|repeated: &Value| repeated["mean"][name].as_f64());
            let interval = [bound("low"), bound("high")];
            Figure { task: task.clone(), bucket, score, rows, interval, error }
        };
        match score {
            TaskScore::Single(score) => figures.push(figure(None, Some(score), None)),
            TaskScore::Failed { error } => figures.push(figure(None, None, Some(error))),
            TaskScore::Buckets(buckets) => {
                figures.extend(buckets.into_iter().map(|(name, score)| figure(Some(name), score, None)));
            }
        }
    }
    table(&figures).map_err(|error| error.to_string())
}

/// How many rows each task has in `raw_results.parquet`.
fn samples(rows: &Path) -> Result<BTreeMap<String, i64>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", rows.display());
    let builder = parquet(rows)?;
    let tasks = ProjectionMask::columns(builder.parquet_schema(), ["task"]);
    let reader = builder.with_projection(tasks).build().map_err(|error| wrong(&error))?;
    let mut counts = BTreeMap::new();
    for batch in reader {
        let batch = batch.map_err(|error| wrong(&error))?;
        let tasks = batch.column_by_name("task").and_then(|tasks| tasks.as_string_opt::<i32>());
        for task in tasks.ok_or_else(|| wrong(&"no column task of text"))?.iter().flatten() {
            *counts.entry(task.to_owned()).or_default() += 1;
        }
    }
    Ok(counts)
}

fn table(figures: &[Figure]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let texts = |text: &dyn Fn(&Figure) -> Option<String>| -> ArrayRef {
        Arc::new(figures.iter().map(text).collect::<StringArray>())
    };
    let numbers = |number: &dyn Fn(&Figure) -> Option<f64>| -> ArrayRef {
        Arc::new(figures.iter().map(number).collect::<Float64Array>())
    };
    let rows: ArrayRef = Arc::new(figures.iter().map(|figure| figure.rows).collect::<Int64Array>());
    RecordBatch::try_from_iter_with_nullable([
        ("task", texts(&|figure| Some(figure.task.clone())), false),
        ("bucket", texts(&|figure| figure.bucket.clone()), true),
        ("score", numbers(&|figure| figure.score), true),
        ("rows", rows, true),
        ("low", numbers(&|figure| figure.interval[0]), true),
        ("high", numbers(&|figure| figure.interval[1]), true),
        ("error", texts(&|figure| figure.error.clone()), true),
    ])
}
