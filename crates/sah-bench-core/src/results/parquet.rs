//! `raw_results.parquet`: the same table with types.

use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::atomic::write_atomically;
use super::table::{Cell, Kind, Table, TableColumn};
use crate::{Error, Record};

/// Text of one batch, in bytes: far below the 2 GiB that the offsets of an Arrow text array can hold.
const BATCH_BYTES: usize = 64 << 20;
/// A row group is closed when its encoded size reaches this, which bounds the memory of the writer.
pub(super) const ROW_GROUP_BYTES: usize = 256 << 20;

/// Writes the table: text as UTF-8 strings, integers as 64-bit, figures as doubles, lists as `list<utf8>`, all
/// nullable, compressed with zstd.
pub(super) fn write_parquet(path: &Path, table: &Table<'_>) -> Result<(), Error> {
    table.check_finite(path)?;
    write_atomically(path, |file| {
        write_table(file, table).map_err(|source| Error::Parquet { path: path.to_path_buf(), source })
    })
}

fn write_table(file: impl std::io::Write + Send, table: &Table<'_>) -> Result<(), ParquetError> {
    let schema: SchemaRef = Arc::new(Schema::new(table.columns.iter().map(arrow_field).collect::<Vec<_>>()));
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(writer_properties()))?;
    for rows in batches(table.records) {
        let arrays = table.columns.iter().map(|column| array(column, rows)).collect();
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), arrays)?)?;
        if writer.in_progress_size() > ROW_GROUP_BYTES {
            writer.flush()?;
        }
    }
    writer.close()?;
    Ok(())
}

/// Compressed with zstd.
pub(super) fn writer_properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build()
}

/// Cuts the records into runs of about [`BATCH_BYTES`], at least one record each.
fn batches(records: &[Record]) -> impl Iterator<Item = &[Record]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let mut rows = 0;
        while rows < rest.len() && (rows == 0 || bytes < BATCH_BYTES) {
            bytes += rest[rows].sample.context.len() + rest[rows].predicted_answer.len();
            rows += 1;
        }
        let (batch, after) = rest.split_at(rows);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

fn arrow_field(column: &TableColumn) -> Field {
    let data_type = match column.kind {
        Kind::Text => DataType::Utf8,
        Kind::Integer => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::TextList => DataType::new_list(DataType::Utf8, true),
    };
    Field::new(column.name, data_type, true)
}

fn array(column: &TableColumn, records: &[Record]) -> ArrayRef {
    let cells = records.iter().map(|record| column.cell(record));
    match column.kind {
        Kind::Text => {
            let mut builder = StringBuilder::new();
            for cell in cells {
                builder.append_option(if let Cell::Text(text) = cell { Some(text) } else { None });
            }
            Arc::new(builder.finish())
        }
        Kind::Integer => {
            let mut builder = Int64Builder::new();
            for cell in cells {
                builder.append_option(if let Cell::Integer(integer) = cell { Some(integer) } else { None });
            }
            Arc::new(builder.finish())
        }
        Kind::Float => {
            let mut builder = Float64Builder::new();
            for cell in cells {
                builder.append_option(if let Cell::Float(float) = cell { Some(float) } else { None });
            }
            Arc::new(builder.finish())
        }
        Kind::TextList => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for cell in cells {
                if let Cell::TextList(list) = cell {
                    for text in list {
                        builder.values().append_value(text);
                    }
                    builder.append(true);
                } else {
                    builder.append(false);
                }
            }
            Arc::new(builder.finish())
        }
    }
}
