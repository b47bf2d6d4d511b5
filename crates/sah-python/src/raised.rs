//! What Python raised, as an error of attention.

use pyo3::prelude::*;
use sah_attention::Error;

/// `error` of the method `method`: its type, what it says, and the line that raised it.
pub(crate) fn raised(method: &str, error: PyErr) -> Error {
    Error::Method { method: method.to_owned(), problem: Python::with_gil(|py| problem(py, &error)) }
}

fn problem(py: Python<'_>, error: &PyErr) -> String {
    let value = error.value(py);
    let name = error.get_type(py).name().map_or_else(|_| "an exception".to_owned(), |name| name.to_string());
    let text = format!("{name}: {value}");
    match place(py, error) {
        Ok(Some(place)) => format!("{text} ({place})"),
        _ => text,
    }
}

/// The file and line that raised it.
fn place(py: Python<'_>, error: &PyErr) -> PyResult<Option<String>> {
    let Some(traceback) = error.traceback(py) else { return Ok(None) };
    let frames = py.import("traceback")?.call_method1("extract_tb", (traceback,))?;
    let last = frames.get_item(-1)?;
    let (file, line): (String, usize) =
        (last.getattr("filename")?.extract()?, last.getattr("lineno")?.extract()?);
    Ok(Some(format!("{file}, line {line}")))
}
