//! Maskers that are written in Python.

mod selected;
mod state;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3_tch::PyTensor;
use sah_attention::{AttentionInputs, LayerState, Mask, Masker, MaskerConfig, MaskerInfo, Result};

pub(crate) use self::selected::Previous;
pub(crate) use self::state::Layer;

use crate::errors::of_attention;
use crate::interned::interned;
use crate::method::{self, PythonMethod};
use crate::raised::raised;

impl MaskerConfig for PythonMethod {
    const INFO: MaskerInfo = MaskerInfo {
        name: "python",
        about: "what a class in Python selects",
        fields: method::FIELDS,
        source: "the class",
        cost: "what the class computes, and a call into Python for each layer and step",
        state: "what the class keeps",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        let object = Python::with_gil(|py| self.object(py)).map_err(|error| raised(&self.class, error))?;
        Ok(Box::new(PythonMasker::new(object)?))
    }
}

/// An object with a method `select`.
#[derive(Debug)]
pub(crate) struct PythonMasker {
    object: Py<PyAny>,
    /// The name of its class.
    name: &'static str,
    is_sampling: bool,
}

impl PythonMasker {
    pub(crate) fn new(object: Py<PyAny>) -> Result<Self> {
        Python::with_gil(|py| {
            let bound = object.bind(py);
            let name = bound.get_type().name().map(|name| interned(&name.to_string()));
            let name = name.map_err(|error| raised("masker", error))?;
            let check = || {
                if !bound.getattr("select")?.is_callable() {
                    return Err(PyTypeError::new_err("select is no method"));
                }
                match bound.getattr_opt("sampling")? {
                    Some(sampling) => sampling.extract(),
                    None => Ok(false),
                }
            };
            let is_sampling = check().map_err(|error| raised(name, error))?;
            Ok(Self { object: object.clone_ref(py), name, is_sampling })
        })
    }

    fn call(
        &self,
        py: Python<'_>,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: &Bound<'_, Previous>,
    ) -> PyResult<Py<PyAny>> {
        let keys = inputs.keys().map_err(of_attention)?;
        let values = inputs.values().map_err(of_attention)?;
        let layer = Bound::new(py, Layer::of(py, inputs, &keys, state))?;
        let queries = inputs.queries().shallow_clone();
        let arguments = (PyTensor(queries), PyTensor(keys), PyTensor(values), &layer, previous);
        let selected = self.object.bind(py).call_method1("select", arguments)?;
        layer.borrow_mut().put_back(py, state)?;
        Ok(selected.unbind())
    }
}

impl Masker for PythonMasker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_sampling(&self) -> bool {
        self.is_sampling
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        if previous.is_full() {
            return Ok(previous);
        }
        Python::with_gil(|py| {
            let failed = |error| raised(&format!("{}.select", self.name), error);
            let shown = Bound::new(py, Previous::new(previous)).map_err(failed)?;
            let selected = self.call(py, inputs, state, &shown).map_err(failed)?;
            let previous = shown.borrow_mut().take();
            selected::merged(self, inputs, previous, selected.bind(py))
        })
    }
}
