//! The line of a paper's table: models down, tasks across.

use super::{Cell, Column, Table};
use crate::{Analysis, Group};

/// The name of the table.
pub(crate) const PAPER: &str = "paper";

/// A row for each side with one decimal of a hundred for each task and bucket, or where scores are a grid for each of its columns, and
/// the benchmark's single figure at the end.
#[must_use]
pub fn paper(analysis: &Analysis<'_>) -> Table {
    let groups: &[Group] = if analysis.grid.is_some() { &[] } else { &analysis.groups };
    let margins: Vec<&str> = if analysis.grid.is_some() { analysis.margins() } else { Vec::new() };
    let names = groups.iter().map(ToString::to_string).chain(margins.iter().map(|&name| name.to_owned()));
    let mut columns = vec![Column::text("model"), Column::text("attention")];
    columns.extend(names.map(Column::number));
    if analysis.has_overall() {
        columns.push(Column::number("overall"));
    }
    let digits = analysis.units.score.digits() - 1;
    let row = |(side, scores): (&&crate::Side, &crate::Scores)| {
        let figures = groups.iter().map(|group| scores.groups.get(group).copied());
        let means = margins.iter().map(|&name| scores.margins.get(name).copied());
        let overall = analysis.has_overall().then_some(scores.overall);
        let mut cells = vec![Cell::text(side.model()), Cell::text(&side.attention)];
        let figures = figures.chain(means).chain(overall);
        cells.extend(figures.map(|figure| Cell::number(figure.map(|figure| figure.value), digits)));
        cells
    };
    let of = match &analysis.grid {
        Some(grid) => format!("Mean scores by {}", grid.columns.word),
        None => "Scores".to_owned(),
    };
    Table {
        name: PAPER.to_owned(),
        caption: format!("{of} from {}.", analysis.units.score.text()),
        columns,
        rows: analysis.sides.iter().zip(&analysis.scores).map(row).collect(),
    }
}
