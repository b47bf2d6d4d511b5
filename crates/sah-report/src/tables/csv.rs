//! Tables as CSV (RFC 4180) that a spreadsheet can open without harm.

use std::borrow::Cow;

use super::table::{Cell, Kind, Table};
use crate::statistics::Estimate;

impl Table {
    /// As CSV: a column of estimates is three, with `low` and `high` after it; numbers have all their digits up to the
    /// sixth decimal; a missing figure is an empty field.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut header = Vec::new();
        for column in &self.columns {
            header.push(guarded(&column.name).into_owned());
            if column.kind == Kind::Estimate {
                header.extend([format!("{} low", column.name), format!("{} high", column.name)]);
            }
        }
        let fields = |row: &Vec<Cell>| {
            let of_cell = |(cell, column): (&Cell, &super::Column)| fields(cell, column.kind);
            row.iter().zip(&self.columns).flat_map(of_cell).collect::<Vec<_>>()
        };
        write(std::iter::once(header).chain(self.rows.iter().map(fields)))
    }
}

/// Rows of fields as CSV.
pub(crate) fn write(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut bytes = Vec::new();
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(&mut bytes);
    for row in rows {
        writer.write_record(&row).expect("a vector takes every byte");
    }
    drop(writer);
    String::from_utf8(bytes).expect("fields are UTF-8")
}

fn fields(cell: &Cell, kind: Kind) -> Vec<String> {
    let mut fields = match cell {
        Cell::Empty => vec![String::new()],
        Cell::Text(text) => vec![guarded(text).into_owned()],
        Cell::Verdict(verdict) => vec![verdict.text().to_owned()],
        Cell::Number(value, _) | Cell::Signed(value, _) => vec![number(*value)],
        Cell::Estimate(estimate, _) | Cell::SignedEstimate(estimate, _) => {
            let Estimate { value, interval, .. } = estimate;
            let end = |end: Option<f64>| end.map_or_else(String::new, number);
            let (low, high) = (interval.map(|ends| ends.low), interval.map(|ends| ends.high));
            vec![number(*value), end(low), end(high)]
        }
    };
    if kind == Kind::Estimate {
        fields.resize(3, String::new());
    }
    fields
}

/// A spreadsheet takes what begins like this for a formula, and may run it: an apostrophe before it makes it text again.
pub(crate) fn guarded(text: &str) -> Cow<'_, str> {
    if text
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
    {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Without the trace of binary fractions.
fn number(value: f64) -> String {
    ((value * 1e6).round() / 1e6).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::nasty;
    use super::guarded;

    #[test]
    fn text_never_begins_like_a_formula_and_numbers_stay_numbers() {
        assert_eq!(
            nasty().csv(),
            "ta|sk,rows,differ_ence,differ_ence low,differ_ence high\r\n\
             '=cmd|' /C calc'!A0,2,-17.25,-30,-5.5\r\n\
             \"<b>\"\"a\"\", b\n\u{1b}</b>\",2,,,\r\n\
             '-1,2,40,,\r\n"
        );
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\u{ff1d}1"] {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        assert_eq!(guarded("a=1"), "a=1");
    }
}
