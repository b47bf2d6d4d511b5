//! Each side in a line.

use super::costs::per_row;
use super::{Cell, Column, Table};
use crate::Analysis;

/// The benchmark's single figure of each side, its difference to what it is held against first, and what it took.
#[must_use]
pub fn summary(analysis: &Analysis<'_>) -> Table {
    let row = |(number, label): (usize, &String)| {
        let side = analysis.sides[number];
        let overall = analysis.scores[number].overall;
        let first = analysis.comparisons.iter().find(|comparison| comparison.other == number);
        let difference = first.and_then(|comparison| comparison.overall).map(|overall| overall.estimate);
        let total = &side.results.detailed.total;
        vec![
            Cell::text(label),
            overall.map_or(Cell::Empty, Cell::Estimate),
            difference.map_or(Cell::Empty, Cell::SignedEstimate),
            difference.map_or(Cell::Empty, |difference| Cell::Verdict(difference.verdict())),
            Cell::number(total.density, 4),
            Cell::number(per_row(side, total.seconds), 2),
            Cell::number(total.decode.tokens_per_second, 1),
        ]
    };
    Table {
        name: "summary".to_owned(),
        caption: "The benchmark\u{2019}s single figure, in brackets its 95 % confidence interval; the difference to the \
                  baseline; density; and time."
            .to_owned(),
        columns: vec![
            Column::text("attention"),
            Column::estimate("overall score"),
            Column::estimate("difference"),
            Column::text("which is"),
            Column::number("density"),
            Column::number("s per row"),
            Column::number("decoded tokens/s"),
        ],
        rows: analysis.labels.iter().enumerate().map(row).collect(),
    }
}
