//! A table, whatever it is written as.

use crate::statistics::{Estimate, Interval, Verdict};
use crate::visible;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words, aligned left.
    Text,
    /// Figures, aligned right.
    Number,
    /// Figures with intervals, which are two columns more in CSV.
    Estimate,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// What stands in it.
    pub kind: Kind,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There is no figure.
    Empty,
    /// Words.
    Text(String),
    /// A figure with so many decimals.
    Number(f64, usize),
    /// A difference, with its sign and so many decimals.
    Signed(f64, usize),
    /// A score with its interval, in so many decimals.
    Estimate(Estimate, usize),
    /// A difference of scores with its interval, in so many decimals.
    SignedEstimate(Estimate, usize),
    /// What a difference says.
    Verdict(Verdict),
}

/// A table with a header. Every row has a cell for each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What its files are called.
    pub name: String,
    /// What it shows, in a sentence.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows. The first cell of each says what the row is.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Whether it is one that papers print.
    pub(crate) fn is_for_papers(&self) -> bool {
        let is_grid = self.name.strip_prefix("scores_").is_some();
        self.name == super::PAPER || is_grid || self.name.starts_with("further_")
    }

    /// Whether it is for programs: too long to be read.
    pub(crate) fn is_long(&self) -> bool {
        self.rows.len() > 200 || self.name == super::KEPT_HEADS
    }
}

impl Column {
    /// A column of words.
    pub fn text(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Text }
    }

    /// A column of figures.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Number }
    }

    /// A column of figures with intervals.
    pub fn estimate(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Estimate }
    }
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A figure, if there is one.
    #[must_use]
    pub fn number(value: Option<f64>, digits: usize) -> Self {
        value.map_or(Self::Empty, |value| Self::Number(value, digits))
    }

    /// An estimate, if there is one.
    #[must_use]
    pub fn estimate(estimate: Option<Estimate>, digits: usize) -> Self {
        estimate.map_or(Self::Empty, |estimate| Self::Estimate(estimate, digits))
    }

    /// As people read it: `41.20 [35.10, 47.30]`, a dash where there is nothing. Control characters are made visible.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => "-".to_owned(),
            Self::Text(text) => visible(text).into_owned(),
            Self::Verdict(verdict) => verdict.text().to_owned(),
            Self::Number(value, digits) => format!("{value:.digits$}"),
            Self::Signed(value, digits) => signed(*value, *digits),
            Self::Estimate(Estimate { value, interval, .. }, digits) => match interval {
                Some(Interval { low, high }) => format!("{value:.digits$} [{low:.digits$}, {high:.digits$}]"),
                None => format!("{value:.digits$}"),
            },
            Self::SignedEstimate(Estimate { value, interval, .. }, digits) => {
                let signed = |value: f64| signed(value, *digits);
                match interval {
                    Some(Interval { low, high }) => {
                        format!("{} [{}, {}]", signed(*value), signed(*low), signed(*high))
                    }
                    None => signed(*value),
                }
            }
        }
    }
}

/// With its sign, which nothing has.
fn signed(value: f64, digits: usize) -> String {
    let text = format!("{value:+.digits$}");
    if text.contains(|digit| matches!(digit, '1'..='9')) { text } else { text[1..].to_owned() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A table with everything in it that can go wrong.
    pub(crate) fn nasty() -> Table {
        let interval = Some(Interval { low: -30.0, high: -5.5 });
        let row = |text: &str, cell: Cell| vec![Cell::text(text), Cell::Number(2.0, 0), cell];
        Table {
            name: "nasty".to_owned(),
            caption: "Nasty <cells>".to_owned(),
            columns: vec![Column::text("ta|sk"), Column::number("rows"), Column::estimate("differ_ence")],
            rows: vec![
                row(
                    "=cmd|' /C calc'!A0",
                    Cell::SignedEstimate(Estimate { value: -17.25, interval, rows: 12 }, 2),
                ),
                row("<b>\"a\", b\n\u{1b}</b>", Cell::Empty),
                row("-1", Cell::Estimate(Estimate { value: 40.0, interval: None, rows: 1 }, 2)),
            ],
        }
    }

    #[test]
    fn cells_as_people_read_them() {
        let shown: Vec<String> = nasty().rows.iter().map(|row| row[2].shown()).collect();
        assert_eq!(shown, ["-17.25 [-30.00, -5.50]", "-", "40.00"]);
        assert_eq!([0.5, -0.04, 0.0].map(|value| Cell::Signed(value, 1).shown()), ["+0.5", "0.0", "0.0"]);
        assert_eq!(nasty().rows[1][0].shown(), "<b>\"a\", b\n\u{241b}</b>");
        assert_eq!(Cell::number(None, 2), Cell::Empty);
    }
}
