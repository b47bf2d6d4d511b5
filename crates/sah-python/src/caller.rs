//! A Python program that runs the command line in its process.

use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sah::{Caller, Progress, Step};

/// An object with the methods `begins(folder)` and `hear(attention, step, figures)`, the second of which says whether to stop.
#[derive(Debug)]
pub(crate) struct PythonCaller(Py<PyAny>);

impl PythonCaller {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self(object)
    }

    fn tell(&self, py: Python<'_>, progress: &Progress<'_>) -> PyResult<bool> {
        let figures = PyDict::new(py);
        let step = match progress.step {
            Step::Begins { task, rows_done, rows_total } => {
                figures.set_item("task", task)?;
                figures.set_item("rows_done", rows_done)?;
                figures.set_item("rows_total", rows_total)?;
                "begins"
            }
            Step::Reads { tokens, of } => {
                figures.set_item("tokens", tokens)?;
                figures.set_item("of", of)?;
                "reads"
            }
            Step::Answers { tokens } => {
                figures.set_item("tokens", tokens)?;
                "answers"
            }
            Step::Ends { task, rows_done, rows_total, error } => {
                figures.set_item("task", task)?;
                figures.set_item("rows_done", rows_done)?;
                figures.set_item("rows_total", rows_total)?;
                figures.set_item("error", error)?;
                "ends"
            }
            Step::Other => "other",
        };
        // Runs the handlers of signals that came meanwhile.
        py.check_signals()?;
        self.0.bind(py).call_method1("hear", (progress.attention, step, figures))?.extract()
    }
}

impl Caller for PythonCaller {
    fn begins(&self, folder: &Path) {
        Python::with_gil(|py| {
            if let Err(error) = self.0.bind(py).call_method1("begins", (folder,)) {
                error.write_unraisable(py, None);
            }
        });
    }

    fn hear(&self, progress: &Progress<'_>) -> bool {
        Python::with_gil(|py| {
            // What it raises has nowhere to go from here. A program that cannot hear is not going to say when to stop.
            self.tell(py, progress).unwrap_or_else(|error| {
                error.write_unraisable(py, None);
                true
            })
        })
    }
}
