//! Tables on the terminal.

use comfy_table::{CellAlignment, Table, presets};

/// A table of figures: the first column is text, the others are right-aligned. Printed in Markdown, so that it can be
/// pasted into a report.
pub(crate) fn figures(header: Vec<String>, rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A figure with `digits` decimals, or a dash where there is none.
pub(crate) fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}
