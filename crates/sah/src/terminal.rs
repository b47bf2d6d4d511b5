//! Tables on the terminal.

use comfy_table::{CellAlignment, Table, presets};
use sah_report::tables::{Cell, Kind};
use sah_report::visible;

/// A table of figures: the first column is text, the others are right-aligned. Printed in Markdown, so that it can be
/// pasted into a report.
pub(crate) fn figures(header: Vec<String>, rows: Vec<Vec<String>>) -> Table {
    let mut table = words(header, rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A table of words, in Markdown, too. What a cell says cannot steer the terminal.
pub(crate) fn words(header: Vec<String>, rows: Vec<Vec<String>>) -> Table {
    let line = |cells: Vec<String>| cells.iter().map(|cell| one_line(cell)).collect::<Vec<_>>();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(line(header));
    table.add_rows(rows.into_iter().map(line));
    table
}

/// A table of a report.
pub(crate) fn table(table: &sah_report::tables::Table) -> Table {
    let header = table.columns.iter().map(|column| column.name.clone()).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(Cell::shown).collect()).collect();
    let mut shown = words(header, rows);
    for (column, shown) in table.columns.iter().zip(shown.column_iter_mut()) {
        if column.kind != Kind::Text {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    shown
}

/// `text` on one line, with its control characters made visible.
pub(crate) fn one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// A figure with `digits` decimals, or a dash where there is none.
pub(crate) fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let rows = vec![vec!["\u{1b}[2Jgone\nline".to_owned(), "\u{202e}x".to_owned()]];
        let table = words(vec!["a".to_owned(), "\u{7}b".to_owned()], rows).to_string();
        assert!(table.contains("\u{241b}[2Jgone line") && table.contains("\u{2407}b"), "{table}");
        assert!(!table.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{table}");
    }
}
