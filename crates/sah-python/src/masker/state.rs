//! What a masker in Python is told of a layer, and what it keeps there.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3_tch::PyTensor;
use sah_attention::{AttentionInputs, LayerState, MaskerState, toolkit};
use tch::Tensor;

use crate::errors;

/// A layer of a request: what a masker is told of it, and what it keeps there from step to step.
#[pyclass(unsendable, module = "sah")]
#[derive(Debug)]
pub(crate) struct Layer {
    /// The layer's number, from 0.
    #[pyo3(get)]
    index: usize,
    /// A seed for random choices in this step: it depends on request, layer, masker and number of keys alone.
    #[pyo3(get)]
    seed: u64,
    /// The factor of the scores.
    #[pyo3(get)]
    scale: f64,
    /// How many keys a row of this layer may read, its own included; `None` where that is any number.
    #[pyo3(get)]
    window: Option<usize>,
    /// The bound of the scores, if they have one.
    #[pyo3(get)]
    soft_cap: Option<f64>,
    /// What the masker keeps.
    #[pyo3(get, set)]
    value: Py<PyAny>,
    queries: Tensor,
    keys: Tensor,
}

#[pymethods]
impl Layer {
    /// The exact scores of all keys, `[B, H, Q, K]`: `scale * queries @ keys`, below the soft cap where there is one.
    fn scores(&self) -> PyResult<PyTensor> {
        let values = &self.keys;
        let inputs = AttentionInputs::new(&self.queries, &self.keys, values, self.scale)
            .and_then(|inputs| inputs.with_soft_cap(self.soft_cap))
            .map_err(errors::of_attention)?;
        let dims = *inputs.dims();
        let scores = toolkit::exact_scores(&inputs, 0..dims.queries, 0..dims.keys);
        Ok(PyTensor(scores.map_err(errors::of_attention)?))
    }
}

impl Layer {
    /// Of a call with these keys, expanded.
    pub(super) fn of(
        py: Python<'_>,
        inputs: &AttentionInputs<'_>,
        keys: &Tensor,
        state: &mut LayerState<'_>,
    ) -> Self {
        let (index, seed) = (state.layer(), state.seed(inputs.dims().keys));
        let value = state.get::<Kept>().map_or_else(|| py.None(), |kept| kept.value.clone_ref(py));
        Self {
            index,
            seed,
            scale: inputs.scale(),
            window: inputs.window(),
            soft_cap: inputs.soft_cap(),
            value,
            queries: inputs.queries().shallow_clone(),
            keys: keys.shallow_clone(),
        }
    }

    /// Keeps the value until the next step.
    pub(super) fn put_back(&mut self, py: Python<'_>, state: &mut LayerState<'_>) -> PyResult<()> {
        let value = self.value.bind(py);
        if value.is_none() {
            return Ok(());
        }
        for method in ["fork", "truncate"] {
            if !value.hasattr(method)? {
                let name = value.get_type().name()?;
                return Err(PyTypeError::new_err(format!(
                    "the value that is kept, a {name}, has no {method}(): it follows the KV cache; see sah.State"
                )));
            }
        }
        state.set(Kept { value: self.value.clone_ref(py) });
        Ok(())
    }
}

/// What a masker in Python keeps of a layer: an object that can be forked and cut back with the cache.
#[derive(Debug)]
struct Kept {
    value: Py<PyAny>,
}

/// Stands in the place of a state that could not follow the cache: the next step fails with what was raised.
#[pyclass(module = "sah")]
#[derive(Debug)]
struct Broken {
    error: PyErr,
}

#[pymethods]
impl Broken {
    fn __getattr__(&self, py: Python<'_>, _name: &str) -> PyResult<Py<PyAny>> {
        Err(self.error.clone_ref(py))
    }
}

fn broken(py: Python<'_>, error: PyErr) -> Py<PyAny> {
    Py::new(py, Broken { error }).map_or_else(|_| py.None(), Py::into_any)
}

impl MaskerState for Kept {
    fn fork(&self) -> Box<dyn MaskerState> {
        Python::with_gil(|py| {
            let value = self.value.call_method0(py, "fork").unwrap_or_else(|error| broken(py, error));
            Box::new(Self { value })
        })
    }

    fn truncate(&mut self, keys: usize) {
        Python::with_gil(|py| {
            if let Err(error) = self.value.call_method1(py, "truncate", (keys,)) {
                self.value = broken(py, error);
            }
        });
    }

    fn bytes(&self) -> usize {
        Python::with_gil(|py| {
            let value = self.value.bind(py);
            value.getattr("nbytes").and_then(|bytes| bytes.extract()).unwrap_or(0)
        })
    }
}
