//! `micro_metrics.parquet`: the measured calls with types, a row for each query head.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};

use super::calls::{LoggedCall, LoggedCalls};
use super::log::MicroMetricsLog;
use crate::Error;
use crate::results::atomic::write_atomically;
use crate::results::parquet::{ROW_GROUP_BYTES, writer_properties};

/// Calls of one batch.
const BATCH: usize = 4096;

/// Writes the calls of questions and answers in `log` to `path`.
pub(super) fn write(path: &Path, log: &MicroMetricsLog) -> Result<(), Error> {
    write_atomically(path, |file| write_calls(file, path, LoggedCalls::open(log.path())?))
}

fn write_calls(file: impl Write + Send, path: &Path, calls: LoggedCalls) -> Result<(), Error> {
    let failed = |source| Error::Parquet { path: path.to_path_buf(), source };
    let empty = batch(&[]).map_err(|error| failed(error.into()))?;
    let mut writer = ArrowWriter::try_new(file, empty.schema(), Some(writer_properties())).map_err(failed)?;
    let of_answers =
        |call: &Result<LoggedCall, Error>| call.as_ref().map_or(true, |call| !call.reads_context);
    let mut calls = calls.filter(of_answers).peekable();
    while calls.peek().is_some() {
        let some = calls.by_ref().take(BATCH).collect::<Result<Vec<_>, _>>()?;
        let rows = batch(&some).map_err(|error| failed(error.into()))?;
        writer.write(&rows).map_err(failed)?;
        if writer.in_progress_size() > ROW_GROUP_BYTES {
            writer.flush().map_err(failed)?;
        }
    }
    writer.close().map_err(failed)?;
    Ok(())
}

/// A row for each head of each call.
fn batch(calls: &[LoggedCall]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let heads = || calls.iter().flat_map(|call| (0..call.heads.len()).map(move |head| (call, head)));
    let texts = |read: fn(&LoggedCall) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(heads().map(|(call, _)| read(call))))
    };
    let integers = |read: fn(&LoggedCall, usize) -> usize| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(heads().map(|(call, head)| read(call, head) as i64)))
    };
    let numbers = |read: fn(&LoggedCall, usize) -> Option<f64>| -> ArrayRef {
        Arc::new(heads().map(|(call, head)| read(call, head)).collect::<Float64Array>())
    };
    RecordBatch::try_from_iter_with_nullable([
        ("timestamp", texts(|call| &call.timestamp), false),
        ("index", integers(|call, _| call.index), false),
        ("task", texts(|call| &call.task), false),
        ("step", integers(|call, _| call.step), false),
        ("layer", integers(|call, _| call.layer), false),
        ("head", integers(|_, head| head), false),
        ("queries", integers(|call, _| call.queries), false),
        ("keys", integers(|call, _| call.keys), false),
        ("backend", texts(|call| &call.backend), false),
        ("density", numbers(|call, head| Some(call.heads[head].0)), false),
        ("output_error", numbers(|call, head| call.heads[head].1), true),
        ("call_density", numbers(|call, _| Some(call.density)), false),
        ("call_output_error", numbers(|call, _| call.output_error), true),
    ])
}
