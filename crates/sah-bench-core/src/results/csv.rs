//! `raw_results.csv`: RFC 4180, to be opened anywhere.

use std::borrow::Cow;
use std::path::Path;

use super::atomic::write_atomically;
use super::table::{Cell, Table};
use crate::Error;

/// Writes the table: UTF-8 without a byte order mark, lines end in CR LF, a field is quoted where it must be, line
/// breaks inside quotes are kept as they are. A list is JSON, null is an empty field.
pub(super) fn write_csv(path: &Path, table: &Table<'_>) -> Result<(), Error> {
    table.check_finite(path)?;
    let csv_error = |source| Error::Csv { path: path.to_path_buf(), source };
    write_atomically(path, |file| {
        let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(file);
        writer.write_record(table.columns.iter().map(|column| column.name)).map_err(csv_error)?;
        for record in table.records {
            for column in &table.columns {
                writer.write_field(field(column.cell(record)).as_bytes()).map_err(csv_error)?;
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
