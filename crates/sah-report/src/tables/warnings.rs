//! What makes scores mean something else than they seem to.

use super::{Cell, Column, Table};
use crate::Analysis;

/// The warnings of all sides; `None` where there are none.
#[must_use]
pub fn warnings(analysis: &Analysis<'_>) -> Option<Table> {
    let of_side = |(number, label): (usize, &String)| -> Vec<Vec<Cell>> {
        let warnings = &analysis.sides[number].results.warnings;
        warnings.iter().map(|warning| vec![Cell::text(label), Cell::text(&warning.message)]).collect()
    };
    let rows: Vec<Vec<Cell>> = analysis.labels.iter().enumerate().flat_map(of_side).collect();
    (!rows.is_empty()).then(|| Table {
        name: "warnings".to_owned(),
        caption: "Warnings: what makes scores mean something else than they seem to.".to_owned(),
        columns: vec![Column::text("attention"), Column::text("warning")],
        rows,
    })
}
