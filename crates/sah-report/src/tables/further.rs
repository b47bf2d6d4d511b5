//! What a benchmark gives beside its scores.

use sah_bench_core::{FurtherBeside, FurtherFigure, FurtherFigures};

use super::{Cell, Column, Table};
use crate::statistics::{Estimate, Interval};
use crate::{Analysis, Comparison};

/// A table for each of them: a row for each figure, a column for each side.
#[must_use]
pub fn further(analysis: &Analysis<'_>) -> Vec<Table> {
    let table = |further: &FurtherBeside<'_>| {
        let mut figures = further.of_each.iter().flatten().flat_map(|table| &table.figures);
        let has_interval = figures.any(|figure| figure.interval.is_some());
        let column = |label| if has_interval { Column::estimate(label) } else { Column::number(label) };
        let row = |line: &FurtherFigure| {
            let cells = (0..analysis.sides.len()).map(|side| cell(further.find(side, line)));
            std::iter::once(Cell::text(line.label())).chain(cells).collect()
        };
        Table {
            name: format!("further_{}", super::file_name(&further.table.name)),
            caption: caption(further.table),
            columns: std::iter::once(Column::text(further.head()))
                .chain(analysis.labels.iter().map(column))
                .collect(),
            rows: further.lines().iter().map(|line| row(line)).collect(),
        }
    };
    analysis.further().iter().map(table).collect()
}

/// The same of a comparison, with the differences.
#[must_use]
pub fn further_differences(analysis: &Analysis<'_>, comparison: &Comparison) -> Vec<Table> {
    let sides = [comparison.base, comparison.other];
    let table = |further: &FurtherBeside<'_>| {
        let row = |line: &FurtherFigure| {
            let [base, other] = sides.map(|side| further.find(side, line));
            let value = |figure: Option<&FurtherFigure>| figure.and_then(|figure| figure.value);
            let difference = value(other).zip(value(base)).map(|(other, base)| other - base);
            let difference = difference.map_or(Cell::Empty, |value| Cell::Signed(value, line.digits));
            let number = |figure| Cell::number(value(figure), line.digits);
            vec![Cell::text(line.label()), number(base), number(other), difference]
        };
        let labels = sides.map(|side| Column::number(&analysis.labels[side]));
        let columns = std::iter::once(Column::text(further.head())).chain(labels);
        Table {
            name: format!("further_{}", super::file_name(&further.table.name)),
            caption: caption(further.table),
            columns: columns.chain([Column::number("difference")]).collect(),
            rows: further.lines().iter().map(|line| row(line)).collect(),
        }
    };
    analysis.further().iter().filter(|further| !further.is_map()).map(table).collect()
}

fn caption(figures: &FurtherFigures) -> String {
    format!("{}; from {}.", figures.title, figures.scale.text())
}

fn cell(figure: Option<&FurtherFigure>) -> Cell {
    let Some((figure, value)) = figure.and_then(|figure| Some((figure, figure.value?))) else {
        return Cell::Empty;
    };
    match figure.interval {
        None => Cell::Number(value, figure.digits),
        Some([low, high]) => {
            // The benchmark made the interval; of how many rows is its own affair.
            let estimate = Estimate { value, interval: Some(Interval { low, high }), rows: 0 };
            Cell::Estimate(estimate, figure.digits)
        }
    }
}
