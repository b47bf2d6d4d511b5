//! The score of each task and bucket, a column for each side.

use super::{Cell, Column, Table};
use crate::statistics::Estimate;
use crate::{Analysis, Scores};

const INTERVALS: &str = "in brackets 95 % confidence intervals (bootstrap over rows)";

/// A row for each task and bucket, and one for the benchmark's single figure.
#[must_use]
pub fn scores(analysis: &Analysis<'_>) -> Table {
    let mut lines: Vec<Vec<Cell>> = analysis
        .groups
        .iter()
        .map(|group| line(analysis, analysis.group_name(group), &|scores| scores.groups.get(group).copied()))
        .collect();
    if analysis.has_overall() {
        lines.push(line(analysis, "overall".to_owned(), &|scores| scores.overall));
    }
    Table {
        name: "scores".to_owned(),
        caption: format!("Score of each task, from {}; {INTERVALS}.", analysis.units.score.text()),
        columns: columns(analysis, "score"),
        rows: lines,
    }
}

/// A row for each bucket: the mean over the tasks that have rows in it; in a map, a row for each task: the mean over its buckets. At the
/// end of a grid's the benchmark's single figure. `None` where no task has buckets.
#[must_use]
pub fn buckets(analysis: &Analysis<'_>) -> Option<Table> {
    let mut lines: Vec<Vec<Cell>> = analysis
        .margins()
        .into_iter()
        .map(|name| line(analysis, name.to_owned(), &|scores| scores.margins.get(name).copied()))
        .collect();
    if lines.is_empty() {
        return None;
    }
    let (word, _) = analysis.margin_names();
    let caption = match &analysis.grid {
        None => format!("Mean score of the tasks with rows in each {word} bucket"),
        Some(grid) => {
            if analysis.has_overall() {
                lines.push(line(analysis, "overall".to_owned(), &|scores| scores.overall));
            }
            format!("Mean score over the {}s of each {word}", grid.rows.word)
        }
    };
    let caption = format!("{caption}, from {}; {INTERVALS}.", analysis.units.score.text());
    Some(Table {
        name: "buckets".to_owned(),
        caption,
        columns: columns(analysis, &format!("mean by {word}")),
        rows: lines,
    })
}

/// Where scores are a grid, a table for each side with the means of its columns below.
#[must_use]
pub fn grids(analysis: &Analysis<'_>) -> Vec<Table> {
    let Some(grid) = &analysis.grid else { return Vec::new() };
    let (digits, scale) = (analysis.units.score.digits(), analysis.units.score.text());
    let of_side = |(label, scores): (&String, &Scores)| {
        let row = |row: &String| {
            let cell = |column: &String| {
                let (task, bucket) = grid.cell(row, column);
                let is_cell =
                    |group: &&crate::Group| group.task == task && group.bucket.as_deref() == Some(bucket);
                let group = analysis.groups.iter().find(is_cell);
                let figure = group.and_then(|group| scores.groups.get(group));
                Cell::number(figure.map(|figure| figure.value), digits)
            };
            std::iter::once(Cell::text(row)).chain(grid.columns.names.iter().map(cell)).collect()
        };
        let mean =
            |column: &String| Cell::number(scores.margins.get(column).map(|estimate| estimate.value), digits);
        let means = std::iter::once(Cell::text("mean")).chain(grid.columns.names.iter().map(mean)).collect();
        let columns = grid.columns.names.iter().map(Column::number);
        Table {
            name: format!("scores_{}", super::file_name(label)),
            caption: format!(
                "{label}: score of each {} by {}, from {scale}.",
                grid.rows.word, grid.columns.axis
            ),
            columns: std::iter::once(Column::text(&grid.rows.word)).chain(columns).collect(),
            rows: grid.rows.names.iter().map(row).chain([means]).collect(),
        }
    };
    analysis.labels.iter().zip(&analysis.scores).map(of_side).collect()
}

/// What it is of, how many rows, and the figure of each side.
fn line(analysis: &Analysis<'_>, name: String, read: &dyn Fn(&Scores) -> Option<Estimate>) -> Vec<Cell> {
    let estimates: Vec<Option<Estimate>> = analysis.scores.iter().map(read).collect();
    let digits = analysis.units.score.digits();
    let mut cells = vec![Cell::text(name), rows(&estimates)];
    cells.extend(estimates.into_iter().map(|estimate| Cell::estimate(estimate, digits)));
    cells
}

fn columns(analysis: &Analysis<'_>, first: &str) -> Vec<Column> {
    let sides = analysis.labels.iter().map(Column::estimate);
    let first = format!("{first} ({})", analysis.units.score.text());
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
