//! The line of a paper's table: models down, tasks across.

use super::{Cell, Column, Table};
use crate::Analysis;

/// The name of the table.
pub(crate) const PAPER: &str = "paper";

/// A row for each side with one decimal for each task and bucket, and the benchmark's single figure at the end.
#[must_use]
pub fn paper(analysis: &Analysis<'_>) -> Table {
    let tasks = analysis.groups.iter().map(|group| Column::number(group.to_string()));
    let mut columns = vec![Column::text("model"), Column::text("attention")];
    columns.extend(tasks);
    columns.push(Column::number("overall"));
    let row = |(side, scores): (&&crate::Side, &crate::Scores)| {
        let figures = analysis.groups.iter().map(|group| scores.groups.get(group).map(|figure| figure.value));
        let overall = scores.overall.map(|overall| overall.value);
        let mut cells = vec![Cell::text(side.model()), Cell::text(&side.attention)];
        cells.extend(figures.chain([overall]).map(|figure| Cell::number(figure, 1)));
        cells
    };
    Table {
        name: PAPER.to_owned(),
        caption: format!("Scores from {}.", analysis.units.score),
        columns,
        rows: analysis.sides.iter().zip(&analysis.scores).map(row).collect(),
    }
}
