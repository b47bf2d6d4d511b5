//! `raw_results.csv` and `leaderboard.csv`: RFC 4180, to be opened anywhere.

use std::borrow::Cow;
use std::path::Path;

use super::atomic::write_atomically;
use super::table::{Cell, Table};
use crate::{Error, Leaderboard};

/// Writes the table: a list is JSON, null is an empty field.
pub(super) fn write_csv(path: &Path, table: &Table<'_>) -> Result<(), Error> {
    table.check_finite(path)?;
    let header = table.columns.iter().map(|column| column.name);
    let rows =
        table.records.iter().map(|record| table.columns.iter().map(|column| field(column.cell(record))));
    write(path, header, rows)
}

/// Writes the answers for a leaderboard.
pub(super) fn write_leaderboard(
    path: &Path,
    Leaderboard { header, rows }: &Leaderboard,
) -> Result<(), Error> {
    write(
        path,
        header.iter().copied(),
        rows.iter().map(|row| row.iter().map(|field| Cow::Borrowed(field.as_str()))),
    )
}

/// UTF-8 without a byte order mark, lines end in CR LF, a field is quoted where it must be, line breaks inside quotes are kept as
/// they are.
fn write<'a, Fields: Iterator<Item = Cow<'a, str>>>(
    path: &Path,
    header: impl Iterator<Item = &'static str>,
    rows: impl Iterator<Item = Fields>,
) -> Result<(), Error> {
    let csv_error = |source| Error::Csv { path: path.to_path_buf(), source };
    write_atomically(path, |file| {
        let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(file);
        writer.write_record(header).map_err(csv_error)?;
        for fields in rows {
            for field in fields {
                writer.write_field(field.as_bytes()).map_err(csv_error)?;
            }
            writer.write_record(None::<&[u8]>).map_err(csv_error)?;
        }
        writer.flush().map_err(|source| Error::Io { path: path.to_path_buf(), source })
    })
}

fn field(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Null => Cow::Borrowed(""),
        Cell::Text(text) => Cow::Borrowed(text),
        Cell::Integer(integer) => Cow::Owned(integer.to_string()),
        Cell::Float(float) => Cow::Owned(float.to_string()),
        // Display of a JSON value is its compact form.
        Cell::TextList(list) => Cow::Owned(serde_json::Value::from(list).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        assert_eq!(field(Cell::Null), "");
        assert_eq!(field(Cell::Float(1e-7)), "0.0000001");
        assert_eq!(field(Cell::Float(0.1)), "0.1");
        assert_eq!(
            field(Cell::TextList(&["a\"b".to_owned(), "\u{4e2d}".to_owned()])),
            "[\"a\\\"b\",\"\u{4e2d}\"]"
        );
        assert_eq!(field(Cell::TextList(&[])), "[]");
    }
}
