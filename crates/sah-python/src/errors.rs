//! Errors as exceptions.

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use sah::{Failure, FailureKind};

pyo3::create_exception!(
    sah,
    Error,
    PyRuntimeError,
    "What went wrong in sah; its attribute `kind` says what kind of thing."
);
pyo3::create_exception!(sah, UsageError, PyValueError, "Options that ask for something that does not exist.");

/// Of attention: a value that it does not take.
pub(crate) fn of_attention(error: sah_attention::Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Of models.
pub(crate) fn of_adapter(error: sah_adapter::Error) -> PyErr {
    Error::new_err(error.to_string())
}

/// Of libtorch.
pub(crate) fn of_torch(error: tch::TchError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

/// Of a command.
pub(crate) fn of_failure(py: Python<'_>, failure: Failure) -> PyErr {
    let Failure { kind, message } = failure;
    let raised = match kind {
        FailureKind::Usage => UsageError::new_err(message),
        FailureKind::Interrupted => PyKeyboardInterrupt::new_err(message),
        _ => Error::new_err(message),
    };
    // A name is all that it takes; without it the exception is the same.
    let _ = raised.value(py).setattr("kind", kind.name());
    raised
}
