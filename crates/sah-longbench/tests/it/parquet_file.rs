//! Tiny parquet files for the tests of loading.

use std::{fs, path::Path, sync::Arc};

use arrow::array::{ArrayRef, Int64Array, ListArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use parquet::arrow::ArrowWriter;

/// A column by name.
pub(crate) type Column = (&'static str, ArrayRef);

pub(crate) fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(crate) fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(crate) fn lists(values: &[Option<&[Option<&str>]>]) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for list in values {
        for &item in list.iter().copied().flatten() {
            builder.values().append_option(item);
        }
        builder.append(list.is_some());
    }
    let lists: ListArray = builder.finish();
    Arc::new(lists)
}

/// Two rows with the hub's columns.
pub(crate) fn two_rows() -> Vec<Column> {
    vec![
        ("context", texts(&[Some("a context"), Some("another")])),
        ("question", texts(&[Some("why?"), Some("")])),
        ("answer_prefix", texts(&[Some("Answer:"), Some("Because")])),
        ("answers", lists(&[Some(&[Some("one"), Some("two")]), Some(&[])])),
        ("length", integers(&[Some(5000), Some(7)])),
        ("dataset", texts(&[Some("qasper"), Some("qasper")])),
        ("language", texts(&[Some("en"), None])),
        ("all_classes", lists(&[None, None])),
        ("_id", texts(&[Some("x1"), Some("x2")])),
        ("task", texts(&[Some("qasper"), Some("qasper")])),
        ("max_new_tokens", integers(&[Some(148), Some(8)])),
    ]
}

/// `columns` with one of them replaced.
pub(crate) fn with(mut columns: Vec<Column>, name: &str, array: ArrayRef) -> Vec<Column> {
    let column = columns.iter_mut().find(|(column, _)| *column == name).unwrap();
    column.1 = array;
    columns
}

/// Writes `file`, and the folder it is in.
pub(crate) fn write(file: &Path, columns: Vec<Column>) {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(file).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
