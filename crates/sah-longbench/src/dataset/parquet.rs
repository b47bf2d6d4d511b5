//! Samples from a parquet file with the hub's columns.

use std::{fs::File, path::Path};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Int64Type, Schema},
};
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};
use sah_bench_core::Sample;

use super::row::Extra;
use crate::{Error, Task, evaluate::faulty_field};

/// Rows decoded at a time: contexts are long, and a batch is held twice for a moment.
const BATCH_ROWS: usize = 32;

const TEXT: &str = "a text";
const TEXTS: &str = "a list of texts";
const INTEGER: &str = "an integer";

/// The columns that are read, the necessary ones first.
const NECESSARY: [(&str, &str); 6] = [
    ("context", TEXT),
    ("question", TEXT),
    ("answer_prefix", TEXT),
    ("max_new_tokens", INTEGER),
    ("answers", TEXTS),
    ("length", INTEGER),
];
const OPTIONAL: [(&str, &str); 4] =
    [("all_classes", TEXTS), ("dataset", TEXT), ("language", TEXT), ("_id", TEXT)];

/// All rows of a file of the config `task`.
pub(super) fn read(file: &Path, task: &'static Task) -> Result<Vec<Sample>, Error> {
    let unreadable = |source| Error::Parquet { file: file.to_owned(), source };
    let opened = File::open(file).map_err(|source| Error::Io { path: file.to_owned(), source })?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(unreadable)?;
    check_columns(builder.schema(), file)?;
    let wanted = NECESSARY.iter().chain(&OPTIONAL).map(|(name, _)| *name);
    let projection = ProjectionMask::columns(builder.parquet_schema(), wanted);
    let rows = usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    let mut samples = Vec::with_capacity(rows);
    for batch in
        builder.with_projection(projection).with_batch_size(BATCH_ROWS).build().map_err(unreadable)?
    {
        let batch = batch.map_err(|source| unreadable(source.into()))?;
        let batch = Batch { columns: &batch, file, first_row: samples.len() + 1 };
        batch.append_to(&mut samples, task)?;
    }
    if samples.is_empty() { Err(Error::NoRows { file: file.to_owned() }) } else { Ok(samples) }
}

/// Whether the necessary columns are there and all have the right type.
fn check_columns(schema: &Schema, file: &Path) -> Result<(), Error> {
    for (column, _) in NECESSARY {
        if schema.field_with_name(column).is_err() {
            let found = schema.fields().iter().map(|field| field.name().clone()).collect();
            return Err(Error::NoColumn { file: file.to_owned(), column, found });
        }
    }
    for (column, expected) in NECESSARY.into_iter().chain(OPTIONAL) {
        if let Ok(field) = schema.field_with_name(column)
            && !holds(field.data_type(), expected)
        {
            let found = field.data_type().to_string();
            return Err(Error::ColumnType { file: file.to_owned(), column, expected, found });
        }
    }
    Ok(())
}

fn holds(data_type: &DataType, expected: &str) -> bool {
    match data_type {
        // A column without a single value has no type.
        DataType::Null => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => expected == TEXT,
        DataType::List(item) | DataType::LargeList(item) => {
            expected == TEXTS && holds(item.data_type(), TEXT)
        }
        other => other.is_integer() && expected == INTEGER,
    }
}

struct Batch<'a> {
    columns: &'a RecordBatch,
    file: &'a Path,
    /// Position in the file of the batch's first row, from 1.
    first_row: usize,
}

impl Batch<'_> {
    fn append_to(&self, samples: &mut Vec<Sample>, task: &'static Task) -> Result<(), Error> {
        let [context, question, answer_prefix, dataset, language, id] =
            ["context", "question", "answer_prefix", "dataset", "language", "_id"]
                .map(|column| self.columns.column_by_name(column));
        let max_new_tokens = self.integers("max_new_tokens")?;
        let length = self.integers("length")?;
        let answers = self.columns.column_by_name("answers");
        let all_classes = self.columns.column_by_name("all_classes");
        for i in 0..self.columns.num_rows() {
            let missing =
                |field, expected| move || self.field_error(i, field, expected, "nothing".to_owned());
            let limit = integer(max_new_tokens.as_ref(), i).ok_or_else(missing("max_new_tokens", INTEGER))?;
            let extra = Extra {
                answers: self.texts(answers, i, "answers")?.ok_or_else(missing("answers", TEXTS))?,
                all_classes: self.texts(all_classes, i, "all_classes")?,
                length: integer(length.as_ref(), i).ok_or_else(missing("length", INTEGER))?,
                dataset: text(dataset, i).map(str::to_owned),
                language: text(language, i).map(str::to_owned),
                id: text(id, i).map(str::to_owned),
            };
            extra.check(task).map_err(|source| Error::Reference {
                file: self.file.to_owned(),
                row: self.first_row + i,
                field: faulty_field(&source),
                source,
            })?;
            samples.push(Sample {
                task: task.name.to_owned(),
                context: text(context, i).ok_or_else(missing("context", TEXT))?.to_owned(),
                question: text(question, i).ok_or_else(missing("question", TEXT))?.to_owned(),
                answer_prefix: text(answer_prefix, i).ok_or_else(missing("answer_prefix", TEXT))?.to_owned(),
                max_new_tokens: usize::try_from(limit).map_err(|_| {
                    let found = format!("the number {limit}");
                    self.field_error(i, "max_new_tokens", "a number of tokens", found)
                })?,
                extra: extra.into_values(),
            });
        }
        Ok(())
    }

    /// A column of integers as 64-bit ones.
    fn integers(&self, column: &'static str) -> Result<Option<ArrayRef>, Error> {
        let array = self.columns.column_by_name(column);
        array
            .map(|array| cast(array, &DataType::Int64))
            .transpose()
            .map_err(|source| Error::Parquet { file: self.file.to_owned(), source: source.into() })
    }

    /// The list of texts in row `i`; `None` where it is null.
    fn texts(
        &self,
        column: Option<&ArrayRef>,
        i: usize,
        field: &'static str,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(array) = column.filter(|array| array.is_valid(i)) else { return Ok(None) };
        let items = match array.data_type() {
            DataType::List(_) => array.as_list::<i32>().value(i),
            DataType::LargeList(_) => array.as_list::<i64>().value(i),
            _ => return Ok(None),
        };
        (0..items.len())
            .map(|j| text(Some(&items), j).map(str::to_owned))
            .collect::<Option<_>>()
            .map(Some)
            .ok_or_else(|| self.field_error(i, field, TEXTS, "a list with nothing at a place".to_owned()))
    }

    fn field_error(&self, i: usize, field: &'static str, expected: &'static str, found: String) -> Error {
        Error::Field { file: self.file.to_owned(), row: self.first_row + i, field, expected, found }
    }
}

/// The text at `i`; `None` where it is null or there is no such column.
fn text(column: Option<&ArrayRef>, i: usize) -> Option<&str> {
    let array = column.filter(|array| array.is_valid(i))?;
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(i)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(i)),
        DataType::Utf8View => Some(array.as_string_view().value(i)),
        _ => None,
    }
}

/// The integer at `i` of a column of 64-bit ones.
fn integer(column: Option<&ArrayRef>, i: usize) -> Option<i64> {
    let array = column.filter(|array| array.is_valid(i))?;
    Some(array.as_primitive::<Int64Type>().value(i))
}
