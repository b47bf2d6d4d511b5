//! Reading `raw_results.parquet` back, a few rows at a time: contexts are long.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow::array::{Array, AsArray as _, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;

use crate::{Column, ColumnKind, Error, Sample, Value};

/// Rows that are in memory at once.
const BATCH: usize = 64;

/// A sample and what the model answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultRow {
    /// Position in the run, from 0.
    pub index: usize,
    /// The sample.
    pub sample: Sample,
    /// Which of several answers to the sample it is, from 0; `None` where a sample has one.
    pub repeat: Option<usize>,
    /// What the model wrote before it was asked for the answer in a request of its own; `None` where it was not.
    pub reasoning: Option<String>,
    /// The answer; empty where `error` says why there is none.
    pub predicted_answer: String,
    /// What the model thought before; `None` where it did not, and in results of a version that does not know thoughts.
    pub thoughts: Option<String>,
    /// Why the row has no answer.
    pub error: Option<String>,
}

/// The rows of a `raw_results.parquet`, in order.
#[derive(Debug)]
pub struct ResultRows {
    columns: &'static [Column],
    batches: Batches<ResultRow>,
    read: usize,
}

/// Opens a `raw_results.parquet` whose benchmark has these own `columns`.
///
/// # Errors
///
/// [`Error::Missing`] where there is none, [`Error::Parquet`] where it cannot be read; rows come with
/// [`Error::ResultColumn`] where it has other columns.
pub fn read_results(path: &Path, columns: &'static [Column]) -> Result<ResultRows, Error> {
    let own = columns.iter().map(|column| column.name);
    let names =
        TEXTS.into_iter().chain(["max_new_tokens", "repeat", "reasoning", "thoughts", "error"]).chain(own);
    Ok(ResultRows { columns, batches: Batches::open(path, BATCH, names)?, read: 0 })
}

/// Columns of text that no row lacks.
const TEXTS: [&str; 5] = ["task", "context", "question", "answer_prefix", "predicted_answer"];

/// The rows of a Parquet file, a batch of which is in memory.
#[derive(Debug)]
pub(super) struct Batches<T> {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    batch: IntoIter<T>,
}

impl<T> Batches<T> {
    /// Opens a file to read `columns` in batches of so many rows.
    pub(super) fn open<'a>(
        path: &Path,
        rows: usize,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::Missing { path: path.to_path_buf() },
            _ => Error::Io { path: path.to_path_buf(), source },
        })?;
        let failed = |source| Error::Parquet { path: path.to_path_buf(), source };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
        let reader = builder.with_projection(mask).with_batch_size(rows).build().map_err(failed)?;
        Ok(Self { path: path.to_path_buf(), reader, batch: Vec::new().into_iter() })
    }

    /// The next row; `rows` makes them of a batch.
    pub(super) fn next(
        &mut self,
        mut rows: impl FnMut(Batch<'_>) -> Result<Vec<T>, Error>,
    ) -> Option<Result<T, Error>> {
        loop {
            if let Some(row) = self.batch.next() {
                return Some(Ok(row));
            }
            let read = match self.reader.next()? {
                Ok(batch) => rows(Batch { path: &self.path, rows: &batch }),
                Err(error) => Err(Error::Parquet { path: self.path.clone(), source: error.into() }),
            };
            match read {
                Ok(rows) => self.batch = rows.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// A batch of a file, whose columns are found by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    pub(super) path: &'a Path,
    pub(super) rows: &'a RecordBatch,
}

impl<'a> Batch<'a> {
    fn column<T: Array>(
        self,
        column: &'static str,
        expected: &'static str,
        cast: impl FnOnce(&'a dyn Array) -> Option<&'a T>,
    ) -> Result<&'a T, Error> {
        let array = self.rows.column_by_name(column).and_then(|array| cast(array.as_ref()));
        array.ok_or_else(|| Error::ResultColumn { path: self.path.to_path_buf(), column, expected })
    }

    fn without_null<T: Array>(self, array: &'a T, column: &'static str) -> Result<&'a T, Error> {
        let expected = "a value";
        let missing = || Error::ResultColumn { path: self.path.to_path_buf(), column, expected };
        (array.null_count() == 0).then_some(array).ok_or_else(missing)
    }

    fn nullable_texts(self, column: &'static str) -> Result<&'a StringArray, Error> {
        self.column(column, "texts", |array| array.as_string_opt::<i32>())
    }

    fn texts(self, column: &'static str) -> Result<&'a StringArray, Error> {
        self.without_null(self.nullable_texts(column)?, column)
    }

    fn nullable_integers(self, column: &'static str) -> Result<&'a Int64Array, Error> {
        self.column(column, "integers", |array| array.as_primitive_opt::<Int64Type>())
    }

    pub(super) fn integers(self, column: &'static str) -> Result<&'a Int64Array, Error> {
        self.without_null(self.nullable_integers(column)?, column)
    }

    pub(super) fn numbers(self, column: &'static str) -> Result<&'a arrow::array::Float64Array, Error> {
        self.column(column, "numbers", |array| array.as_primitive_opt())
    }

    fn lists(self, column: &'static str) -> Result<&'a ListArray, Error> {
        let lists = self.column(column, "lists of texts", |array| array.as_list_opt::<i32>())?;
        let expected = "lists of texts";
        let missing = || Error::ResultColumn { path: self.path.to_path_buf(), column, expected };
        lists.values().as_string_opt::<i32>().map(|_| lists).ok_or_else(missing)
    }

    /// One of the benchmark's own columns.
    fn values(self, column: &Column) -> Result<Vec<Value>, Error> {
        Ok(match column.kind {
            ColumnKind::Text => {
                let value =
                    |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
                self.nullable_texts(column.name)?.iter().map(value).collect()
            }
            ColumnKind::Integer => {
                let value = |integer: Option<i64>| integer.map_or(Value::Null, Value::Integer);
                self.nullable_integers(column.name)?.iter().map(value).collect()
            }
            ColumnKind::TextList => {
                let texts = |list: arrow::array::ArrayRef| -> Value {
                    let texts = list.as_string::<i32>().iter().flatten();
                    Value::TextList(texts.map(str::to_owned).collect())
                };
                self.lists(column.name)?.iter().map(|list| list.map_or(Value::Null, texts)).collect()
            }
        })
    }
}

impl ResultRow {
    /// Those of a batch, of which the first is number `first` of the run.
    fn of_batch(batch: Batch<'_>, columns: &[Column], first: usize) -> Result<Vec<Self>, Error> {
        let [task, context, question, answer_prefix, answer] = TEXTS;
        let (task, context) = (batch.texts(task)?, batch.texts(context)?);
        let (question, answer_prefix) = (batch.texts(question)?, batch.texts(answer_prefix)?);
        let (answer, error) = (batch.texts(answer)?, batch.nullable_texts("error")?);
        let texts_if_any =
            |name| batch.rows.column_by_name(name).map(|_| batch.nullable_texts(name)).transpose();
        let (thoughts, reasoning) = (texts_if_any("thoughts")?, texts_if_any("reasoning")?);
        let text = |column: Option<&StringArray>, at: usize| {
            column.filter(|column| column.is_valid(at)).map(|column| column.value(at).to_owned())
        };
        let repeats = batch.rows.column_by_name("repeat").map(|_| batch.integers("repeat")).transpose()?;
        let limit = batch.integers("max_new_tokens")?;
        let own = columns.iter().map(|column| batch.values(column)).collect::<Result<Vec<_>, _>>()?;
        let row = |at: usize| Self {
            index: first + at,
            sample: Sample {
                task: task.value(at).to_owned(),
                context: context.value(at).to_owned(),
                question: question.value(at).to_owned(),
                answer_prefix: answer_prefix.value(at).to_owned(),
                max_new_tokens: limit.value(at) as usize,
                extra: own.iter().map(|values| values[at].clone()).collect(),
            },
            predicted_answer: answer.value(at).to_owned(),
            repeat: repeats.map(|column| column.value(at) as usize),
            reasoning: text(reasoning, at),
            thoughts: text(thoughts, at),
            error: error.is_valid(at).then(|| error.value(at).to_owned()),
        };
        Ok((0..batch.rows.num_rows()).map(row).collect())
    }
}

impl Iterator for ResultRows {
    type Item = Result<ResultRow, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next(|batch| {
            let rows = ResultRow::of_batch(batch, self.columns, self.read)?;
            self.read += rows.len();
            Ok(rows)
        })
    }
}
