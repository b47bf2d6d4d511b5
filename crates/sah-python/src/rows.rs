//! Rows of finished runs as Arrow, without a copy on the way to Python.

use std::ffi::CString;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::Error;
use crate::scores;

/// The Parquet file `path`, opened.
pub(crate) fn parquet(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, String> {
    let wrong = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let file = File::open(path).map_err(|error| wrong(&error))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))
}

/// A table of Arrow: `pyarrow.table(rows)`, `polars.DataFrame(rows)`, `pandas.DataFrame.from_arrow(rows)`, and duckdb read it.
#[pyclass(frozen, subclass, module = "sah")]
#[derive(Debug)]
pub(crate) struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl Rows {
    /// The table in a Parquet file, or the scores in a `metrics.json`.
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let wrong = |problem: String| Error::new_err(format!("{}: {problem}", path.display()));
        if path.ends_with("metrics.json") {
            let scores = scores::read(&path).map_err(Error::new_err)?;
            return Ok(Self { schema: scores.schema(), batches: vec![scores] });
        }
        let builder = parquet(&path).map_err(Error::new_err)?;
        let schema = builder.schema().clone();
        let reader = builder.build().map_err(|error| wrong(error.to_string()))?;
        let batches = reader.collect::<Result<_, _>>().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { schema, batches })
    }

    /// The table by Arrow's `PyCapsule` interface. A schema that is asked for is not heeded, which the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader: Box<dyn RecordBatchReader + Send> =
            Box::new(RecordBatchIterator::new(batches, self.schema.clone()));
        let name = CString::new("arrow_array_stream").expect("a name without zeros");
        PyCapsule::new(py, FFI_ArrowArrayStream::new(reader), Some(name))
    }

    /// The names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}
