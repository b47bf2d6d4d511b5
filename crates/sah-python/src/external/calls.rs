//! What Python calls for each layer with attention.

use std::cell::RefCell;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3_tch::PyTensor;
use sah_adapter::{Error, LayerCall, LayerCalls as Calls};

use crate::lent::Lent;

/// The layers of one pass, which take their calls one after another.
#[pyclass(unsendable, module = "sah")]
#[derive(Debug)]
pub(crate) struct LayerCalls {
    calls: Lent<Calls<'static>>,
    /// What a layer refused.
    refused: RefCell<Option<Error>>,
}

impl LayerCalls {
    pub(super) fn new(calls: Lent<Calls<'static>>) -> Self {
        Self { calls, refused: RefCell::default() }
    }

    /// What a layer refused.
    pub(super) fn refused(&self) -> Option<Error> {
        self.refused.take()
    }

    fn done<T>(&self, work: impl FnOnce(&mut Calls<'static>) -> Result<T, Error>) -> PyResult<T> {
        let done = self.calls.with(work);
        let done = done.ok_or_else(|| PyRuntimeError::new_err("it lives as long as the pass"))?;
        done.map_err(|error| {
            let text = error.to_string();
            self.refused.replace(Some(error));
            PyRuntimeError::new_err(text)
        })
    }
}

#[pymethods]
impl LayerCalls {
    /// Appends keys `[1, Hkv, Q, D]` and values `[1, Hkv, Q, Dv]` of the next layer, and attends from its queries `[1, H, Q, D]`:
    /// `[1, H, Q, Dv]`. `sinks` are `[H]`.
    fn attend(
        &self,
        queries: PyTensor,
        keys: PyTensor,
        values: PyTensor,
        scale: f64,
        soft_cap: Option<f64>,
        sinks: Option<PyTensor>,
    ) -> PyResult<PyTensor> {
        let sinks = sinks.map(|sinks| sinks.0);
        let call = LayerCall { queries: queries.0, keys: keys.0, values: values.0, scale, soft_cap, sinks };
        self.done(|calls| calls.attend(call)).map(PyTensor)
    }

    /// Appends keys and values of the next layer, from whose queries something else attends.
    fn append(&self, keys: PyTensor, values: PyTensor) -> PyResult<()> {
        self.done(|calls| calls.append(&keys, &values))
    }
}
