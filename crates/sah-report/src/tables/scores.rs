//! The score of each task and bucket, a column for each side.

use super::{Cell, Column, Table};
use crate::statistics::Estimate;
use crate::{Analysis, Scores};

const INTERVALS: &str = "in brackets 95 % confidence intervals (bootstrap over rows)";

/// A row for each task and bucket, and one for the benchmark's single figure.
#[must_use]
pub fn scores(analysis: &Analysis<'_>) -> Table {
    let line = |name: String, read: &dyn Fn(&Scores) -> Option<Estimate>| {
        let estimates: Vec<Option<Estimate>> = analysis.scores.iter().map(read).collect();
        let mut cells = vec![Cell::text(name), rows(&estimates)];
        cells.extend(estimates.into_iter().map(|estimate| estimate.map_or(Cell::Empty, Cell::Estimate)));
        cells
    };
    let mut lines: Vec<Vec<Cell>> = analysis
        .groups
        .iter()
        .map(|group| line(group.to_string(), &|scores| scores.groups.get(group).copied()))
        .collect();
    lines.push(line("overall".to_owned(), &|scores| scores.overall));
    Table {
        name: "scores".to_owned(),
        caption: format!("Score of each task, from {}; {INTERVALS}.", analysis.units.score),
        columns: columns(analysis, "task"),
        rows: lines,
    }
}

/// A row for each bucket: the mean over the tasks that have rows in it. `None` where no task has buckets.
#[must_use]
pub fn buckets(analysis: &Analysis<'_>) -> Option<Table> {
    let line = |bucket: &str| {
        let estimates: Vec<Option<Estimate>> =
            analysis.scores.iter().map(|scores| scores.buckets.get(bucket).copied()).collect();
        let mut cells = vec![Cell::text(bucket), rows(&estimates)];
        cells.extend(estimates.into_iter().map(|estimate| estimate.map_or(Cell::Empty, Cell::Estimate)));
        cells
    };
    let lines: Vec<Vec<Cell>> = analysis.buckets().into_iter().map(line).collect();
    (!lines.is_empty()).then(|| Table {
        name: "buckets".to_owned(),
        caption: format!(
            "Mean score of the tasks with rows in each {} bucket; {INTERVALS}.",
            analysis.units.bucket
        ),
        columns: columns(analysis, &analysis.units.bucket),
        rows: lines,
    })
}

fn columns(analysis: &Analysis<'_>, first: &str) -> Vec<Column> {
    let sides = analysis.labels.iter().map(Column::estimate);
    [Column::text(first), Column::number("rows")].into_iter().chain(sides).collect()
}

/// How many rows the figures are made of: one number, or one for each side where they differ.
fn rows(estimates: &[Option<Estimate>]) -> Cell {
    let counts: Vec<usize> = estimates.iter().flatten().map(|estimate| estimate.rows).collect();
    match counts.first() {
        None => Cell::Empty,
        Some(first) if counts.iter().all(|count| count == first) => Cell::Number(*first as f64, 0),
        Some(_) => Cell::text(counts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
