//! Tables: Markdown, so that they can be pasted into a report; on a terminal as wide as that.

use std::fmt;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use sah_bench_core::{FurtherBeside, FurtherFigure};
use sah_report::tables::{Cell, Kind};

use super::{between, one_line, width};

/// What stands between two columns, and at both ends.
const BORDER: usize = 3;
/// No column of words is made narrower, if it can be helped.
const NARROWEST: usize = 10;

/// A table of texts, whose cells cannot steer the terminal.
#[derive(Clone, Debug)]
pub(crate) struct TextTable {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// Figures are right-aligned, and never broken.
    is_figure: bool,
}

/// A table of figures: the first column is text.
pub(crate) fn figures(header: Vec<String>, rows: Vec<Vec<String>>) -> TextTable {
    TextTable::new(header, rows, |column| column > 0)
}

/// A table of words.
pub(crate) fn words(header: Vec<String>, rows: Vec<Vec<String>>) -> TextTable {
    TextTable::new(header, rows, |_| false)
}

/// A table of a report.
pub(crate) fn table(table: &sah_report::tables::Table) -> TextTable {
    let header = table.columns.iter().map(|column| column.name.clone()).collect();
    let rows = table.rows.iter().map(|row| row.iter().map(Cell::shown).collect()).collect();
    TextTable::new(header, rows, |column| table.columns[column].kind != Kind::Text)
}

/// What a benchmark gives beside its scores, under its title: a column for each of these names.
pub(crate) fn further(names: &[&str], beside: &FurtherBeside<'_>) -> String {
    let header = std::iter::once(beside.head()).chain(names.iter().map(|&name| name.to_owned())).collect();
    let row = |line: &&FurtherFigure| {
        let cell = |number: usize| {
            let found = beside.find(number, line);
            let (value, ends) = (found.and_then(|found| found.value), found.and_then(|found| found.interval));
            between(value, ends, line.digits)
        };
        std::iter::once(line.label()).chain((0..names.len()).map(cell)).collect()
    };
    let table = figures(header, beside.lines().iter().map(row).collect());
    format!("{}\n{table}", one_line(&beside.table.title))
}

impl TextTable {
    fn new(header: Vec<String>, rows: Vec<Vec<String>>, is_figure: impl Fn(usize) -> bool) -> Self {
        let column =
            |(number, name): (usize, String)| Column { name: one_line(&name), is_figure: is_figure(number) };
        let line = |cells: Vec<String>| cells.iter().map(|cell| one_line(cell)).collect();
        Self {
            columns: header.into_iter().enumerate().map(column).collect(),
            rows: rows.into_iter().map(line).collect(),
        }
    }

    /// In lines of at most `width` characters: cells of words are broken, and where that is not enough, columns follow in
    /// further tables, each of which begins with the first column.
    fn within(&self, width: Option<usize>) -> String {
        let whole: Vec<usize> = (0..self.columns.len()).collect();
        let natural = self.part(&whole, None);
        let Some(width) = width.filter(|width| length(&natural) > *width) else { return natural };
        let parts = self.parts(width);
        let parts = parts.iter().map(|part| {
            let natural = self.part(part, None);
            if length(&natural) > width { self.part(part, Some(width)) } else { natural }
        });
        parts.collect::<Vec<_>>().join("\n\n")
    }

    /// The columns of each table that is needed for lines of `width` characters.
    fn parts(&self, width: usize) -> Vec<Vec<usize>> {
        let least: Vec<usize> = (0..self.columns.len()).map(|column| self.least(column) + BORDER).collect();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut used = 0;
        for column in 1..self.columns.len() {
            let fits = used + least[column] <= width;
            if let Some(part) = parts.last_mut().filter(|_| fits) {
                part.push(column);
            } else {
                parts.push(vec![0, column]);
                used = 1 + least[0];
            }
            used += least[column];
        }
        if parts.is_empty() { vec![(0..self.columns.len()).collect()] } else { parts }
    }

    /// The least width of a column: its longest figure, or as much as its longest word and no more than that.
    fn least(&self, column: usize) -> usize {
        let word = |text: &str| text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
        let cells = || self.rows.iter().filter_map(|row| row.get(column));
        if self.columns[column].is_figure {
            let figures = cells().map(|cell| cell.chars().count()).max().unwrap_or(0);
            figures.max(word(&self.columns[column].name))
        } else {
            let longest = cells().map(|cell| cell.chars().count()).max().unwrap_or(0);
            longest.min(NARROWEST).max(word(&self.columns[column].name))
        }
    }

    /// The table of some columns.
    fn part(&self, columns: &[usize], width: Option<usize>) -> String {
        let cells = |row: &[String]| -> Vec<String> {
            columns.iter().map(|&column| row.get(column).cloned().unwrap_or_default()).collect()
        };
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(columns.iter().map(|&column| self.columns[column].name.clone()));
        table.add_rows(self.rows.iter().map(|row| cells(row)));
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        }
        for (column, shown) in columns.iter().zip(table.column_iter_mut()) {
            if self.columns[*column].is_figure {
                shown.set_cell_alignment(CellAlignment::Right);
            }
            if width.is_some() {
                let least = u16::try_from(self.least(*column) + BORDER - 1).unwrap_or(u16::MAX);
                shown.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
            }
        }
        table.to_string()
    }
}

/// As standard output can show it.
impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(width()))
    }
}

/// Characters of the longest line.
fn length(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{figures, length, words};

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let rows = vec![texts(&["\u{1b}[2Jgone\nline", "\u{202e}x"])];
        let table = words(texts(&["a", "\u{7}b"]), rows).to_string();
        assert!(table.contains("\u{241b}[2Jgone line") && table.contains("\u{2407}b"), "{table}");
        assert!(!table.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{table}");
    }

    #[test]
    fn words_are_broken_where_the_terminal_ends() {
        let long = "broken: the run did not finish, or something else wrote to its files";
        let rows = vec![texts(&["some/folder/of/a/run", "SmolLM2", "12.50", long])];
        let table = words(texts(&["run", "model", "score", "state"]), rows);
        let whole = table.within(None);
        assert!(length(&whole) > 100 && whole.lines().count() == 3, "{whole}");
        for width in [80, 60] {
            let broken = table.within(Some(width));
            assert!(length(&broken) <= width, "{broken}");
            let text: String = broken.split_whitespace().filter(|word| *word != "|").collect();
            for word in ["finish,", "something", "12.50", "SmolLM2"] {
                assert!(text.contains(word), "{broken}");
            }
        }
        assert_eq!(table.within(Some(200)), whole);
    }

    #[test]
    fn figures_are_whole_and_stand_in_further_tables() {
        let names = ["dense", "streaming_llm", "oracle_top_k", "quest", "pqcache", "magicpig"];
        let header = [&["score (0 to 100)"], &names[..]].concat();
        let row = |task: &'static str| [&[task], &["1234567.25"; 6][..]].concat();
        let rows = vec![texts(&row("narrativeqa")), texts(&row("passage_retrieval_en"))];
        let table = figures(texts(&header), rows);
        assert!(table.within(None).lines().count() == 4);
        for width in [80, 50] {
            let parts = table.within(Some(width));
            assert!(length(&parts) <= width, "{parts}");
            assert_eq!(parts.matches("1234567.25").count(), 12, "{parts}");
            assert!(parts.matches("narrativeqa").count() > 1, "every table begins with the names:\n{parts}");
        }
    }
}
