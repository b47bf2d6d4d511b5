//! Rows of a Parquet file.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, Schema};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{ReadError, Row};
use crate::{Column, ColumnKind};

/// Rows decoded at a time: contexts are long, and a batch is held twice for a moment.
const BATCH_ROWS: usize = 32;

/// The columns that are read. Others are ignored.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// Those that must be there.
    pub required: &'a [Column],
    /// Those that may be missing.
    pub optional: &'a [Column],
    /// Those that must be there and may be of any kind, which differs from data set to data set: for [`Row::value`].
    pub any_kind: &'a [&'static str],
}

/// Reads a Parquet file: `convert` turns each row into a value, in order.
///
/// # Errors
///
/// [`ReadError::NoColumn`] and [`ReadError::ColumnType`] before any row is read, [`ReadError::NoRows`] for an empty file, and
/// the first error of `convert`.
pub fn read_parquet<T, E: From<ReadError>>(
    file: &Path,
    columns: Columns<'_>,
    mut convert: impl FnMut(Row<'_>) -> Result<T, E>,
) -> Result<Vec<T>, E> {
    let unreadable = |source| ReadError::Parquet { file: file.to_owned(), source };
    let opened = File::open(file).map_err(|source| ReadError::Io { path: file.to_owned(), source })?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(unreadable)?;
    columns.check(builder.schema(), file)?;
    let wanted = columns.required.iter().chain(columns.optional).map(|column| column.name);
    let wanted = wanted.chain(columns.any_kind.iter().copied());
    let projection = ProjectionMask::columns(builder.parquet_schema(), wanted);
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    let mut values = Vec::with_capacity(rows);
    let batches = builder.with_projection(projection).with_batch_size(BATCH_ROWS).build();
    for batch in batches.map_err(unreadable)? {
        let batch = batch.and_then(|batch| Batch::new(&batch)).map_err(|source| unreadable(source.into()))?;
        for index in 0..batch.rows {
            values.push(convert(Row::from_parquet(&batch, index, file, values.len() + 1))?);
        }
    }
    if values.is_empty() { Err(ReadError::NoRows { file: file.to_owned() }.into()) } else { Ok(values) }
}

impl Columns<'_> {
    /// Whether the required columns are there and all have the right type.
    fn check(&self, schema: &Schema, file: &Path) -> Result<(), ReadError> {
        let required = self.required.iter().map(|column| column.name);
        for column in required.chain(self.any_kind.iter().copied()) {
            if schema.field_with_name(column).is_err() {
                let found = schema.fields().iter().map(|field| field.name().clone()).collect();
                return Err(ReadError::NoColumn { file: file.to_owned(), column, found });
            }
        }
        for &column in self.any_kind {
            if let Ok(field) = schema.field_with_name(column)
                && !KINDS.iter().any(|&kind| holds(field.data_type(), kind))
            {
                return Err(wrong_type(file, column, &ANY_KIND, field.data_type()));
            }
        }
        for &Column { name, kind } in self.required.iter().chain(self.optional) {
            if let Ok(field) = schema.field_with_name(name)
                && !holds(field.data_type(), kind)
            {
                return Err(wrong_type(file, name, &kind, field.data_type()));
            }
        }
        Ok(())
    }
}

/// All kinds of columns.
const KINDS: [ColumnKind; 3] = [ColumnKind::Text, ColumnKind::Integer, ColumnKind::TextList];

/// The same in words.
pub(super) const ANY_KIND: &str = "a text, an integer or a list of texts";

fn wrong_type(
    file: &Path,
    column: &'static str,
    expected: &dyn std::fmt::Display,
    found: &DataType,
) -> ReadError {
    let (expected, found) = (expected.to_string(), found.to_string());
    ReadError::ColumnType { file: file.to_owned(), column, expected, found }
}

fn holds(data_type: &DataType, expected: ColumnKind) -> bool {
    match data_type {
        // A column without a single value has no type.
        DataType::Null => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => expected == ColumnKind::Text,
        DataType::List(item) | DataType::LargeList(item) => {
            expected == ColumnKind::TextList && holds(item.data_type(), ColumnKind::Text)
        }
        other => other.is_integer() && expected == ColumnKind::Integer,
    }
}

/// Some rows of a file in columns, whose types were checked.
#[derive(Debug)]
pub(super) struct Batch {
    /// Integers are 64-bit ones.
    columns: Vec<(String, ArrayRef)>,
    rows: usize,
}

impl Batch {
    fn new(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let is_integer = array.data_type().is_integer();
            let array = if is_integer { cast(array, &DataType::Int64)? } else { array.clone() };
            columns.push((field.name().clone(), array));
        }
        Ok(Self { columns, rows: batch.num_rows() })
    }

    /// The column, where it has a value in row `index`.
    fn column(&self, name: &str, index: usize) -> Option<&ArrayRef> {
        let (_, array) = self.columns.iter().find(|(column, _)| column == name)?;
        array.is_valid(index).then_some(array).filter(|array| *array.data_type() != DataType::Null)
    }

    pub(super) fn has(&self, name: &str, index: usize) -> bool {
        self.column(name, index).is_some()
    }

    pub(super) fn text(&self, name: &str, index: usize) -> Option<&str> {
        text(self.column(name, index)?, index)
    }

    pub(super) fn integer(&self, name: &str, index: usize) -> Option<i64> {
        let integers = self.column(name, index)?.as_primitive_opt::<Int64Type>()?;
        Some(integers.value(index))
    }

    /// The texts of a list, `None` for a null among them.
    pub(super) fn list(&self, name: &str, index: usize) -> Option<Vec<Option<String>>> {
        let array = self.column(name, index)?;
        let items = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().value(index),
            DataType::LargeList(_) => array.as_list::<i64>().value(index),
            _ => return None,
        };
        let item = |i| items.is_valid(i).then(|| text(&items, i).map(str::to_owned)).flatten();
        Some((0..items.len()).map(item).collect())
    }
}

/// The text at `index`, which is not null.
fn text(array: &ArrayRef, index: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(index)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(index)),
        DataType::Utf8View => Some(array.as_string_view().value(index)),
        _ => None,
    }
}
