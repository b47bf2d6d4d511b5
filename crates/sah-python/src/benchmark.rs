//! Benchmarks that are written in Python.

use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::Arc;

use clap::{Arg, Command};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use sah::BenchmarkEntry;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, DataErrorKind, Error, RowScore, Sample, TokenCount, Value,
};

use crate::interned::interned;
use crate::lent::{Lent, lend};
use crate::method::class_in;
use crate::raised::raised;

/// The answers that would be right, and the row as JSON.
static COLUMNS: [Column; 2] =
    [Column { name: "answers", kind: ColumnKind::TextList }, Column { name: "row", kind: ColumnKind::Text }];

/// Where the class of a benchmark is that a command line names by its class.
const FILE_FLAG: &str = "benchmark-file";

/// An object with the methods `rows` and `score`.
#[derive(Clone, Debug)]
pub(crate) struct PythonBenchmark {
    object: Arc<Py<PyAny>>,
    name: &'static str,
    about: &'static str,
    subsets: Vec<String>,
    metric_files: Vec<PathBuf>,
}

/// A row as Python gives it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Row {
    task: String,
    context: String,
    question: String,
    answer_prefix: String,
    max_new_tokens: usize,
    answers: Vec<String>,
    json: String,
}

/// Counts tokens with the tokenizer of the model, while rows are made.
#[pyclass(unsendable, module = "sah")]
#[derive(Debug)]
pub(crate) struct TokenCounter(Lent<dyn TokenCount>);

#[pymethods]
impl TokenCounter {
    /// The tokens of a text, special ones not among them.
    fn __call__(&self, text: &str) -> PyResult<usize> {
        let counted = self.0.with(|counter| counter.count(text));
        let counted = counted.ok_or_else(|| PyRuntimeError::new_err("it lives as long as rows() runs"))?;
        counted.map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }
}

impl PythonBenchmark {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = |name: &str| Ok::<_, PyErr>(interned(&object.getattr(name)?.extract::<String>()?));
        let (name, about) = (text("name")?, text("about")?);
        let mut subsets: Vec<String> = object.getattr("tasks")?.extract()?;
        if subsets.is_empty() {
            subsets.push(name.to_owned());
        }
        let metric_files = object.getattr("metric_files")?.extract()?;
        Ok(Self { object: Arc::new(object.clone().unbind()), name, about, subsets, metric_files })
    }

    fn rows(&self, py: Python<'_>, subsets: &[&str], tokens: &dyn TokenCount) -> PyResult<Vec<Sample>> {
        let benchmarks = py.import("sah._benchmark")?;
        // SAFETY: only the lifetime is another; it is taken back before `tokens` may end.
        let tokens: NonNull<dyn TokenCount + 'static> = unsafe { std::mem::transmute(NonNull::from(tokens)) };
        let read = |lent| {
            let counter = Bound::new(py, TokenCounter(lent))?;
            let rows = (self.object.bind(py), &self.subsets, subsets.to_vec(), counter);
            let rows = benchmarks.call_method1("checked_rows", rows)?;
            let mut samples = Vec::new();
            for row in rows.try_iter()? {
                let Row { task, context, question, answer_prefix, max_new_tokens, answers, json } =
                    row?.extract()?;
                let extra = vec![Value::TextList(answers), Value::Text(json)];
                samples.push(Sample { task, context, question, answer_prefix, max_new_tokens, extra });
            }
            Ok(samples)
        };
        // SAFETY: it outlasts the loan, and who counts writes nothing.
        unsafe { lend(tokens, read) }
    }

    fn scored(&self, py: Python<'_>, sample: &Sample, answer: &str) -> PyResult<f64> {
        let Some(Value::Text(row)) = sample.extra.get(1) else {
            return Err(PyValueError::new_err("the row is not one of this benchmark"));
        };
        let row = py.import("json")?.call_method1("loads", (row,))?;
        let row: &Bound<'_, PyDict> = row.downcast()?;
        self.object.bind(py).call_method1("score", (answer, row))?.extract()
    }
}

impl Benchmark for PythonBenchmark {
    fn name(&self) -> &str {
        self.name
    }

    fn subsets(&self) -> Vec<&str> {
        self.subsets.iter().map(String::as_str).collect()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let rows = Python::with_gil(|py| self.rows(py, subsets, tokens));
        let failed =
            |error| DataError::new(DataErrorKind::Invalid, raised(&format!("{}.rows", self.name), error));
        Ok(rows.map_err(failed)?)
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let value = Python::with_gil(|py| self.scored(py, sample, answer)).map_err(|error| {
            let error = raised(&format!("{}.score", self.name), error);
            Error::Unscorable { task: sample.task.clone(), field: "row", problem: error.to_string() }
        })?;
        Ok(RowScore { value, bucket: None })
    }

    fn metric_files(&self) -> Vec<PathBuf> {
        self.metric_files.clone()
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }
}

impl BenchmarkEntry for PythonBenchmark {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        Box::new(self.clone())
    }

    /// Of a class in a file: the file, for run.json, by which Python finds the class again.
    fn add_flags(&self, command: Command) -> Command {
        if class_in(self.name).is_none() || !self.name.contains(".py:") {
            return command;
        }
        command.arg(Arg::new(FILE_FLAG).long(FILE_FLAG).value_name("FILE.py").help("The file of the class"))
    }
}
