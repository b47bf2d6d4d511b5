//! Retentions that are written in Python.

use std::fmt::Debug;

use pyo3::prelude::*;
use pyo3_tch::PyTensor;
use sah_attention::retention::{ContextLayer, Needs, Rule, Scorer};
use sah_attention::{Result, RetentionInfo, RetentionRule};
use tch::{Kind, Tensor};

use crate::errors;
use crate::method::{self, PythonMethod};
use crate::raised::raised;

impl RetentionRule for PythonMethod {
    const INFO: RetentionInfo = RetentionInfo {
        name: "python",
        about: "the keys with the largest scores of a class in Python",
        fields: method::FIELDS,
        source: "the class",
        cost: "what the class computes",
        memory: "what the class takes",
        looks_at: "keys, values, and what the class asks for",
    };

    fn build(&self) -> Result<Rule> {
        Python::with_gil(|py| PythonScorer::new(py, self.object(py)?))
            .map(Rule::scorer)
            .map_err(|error| raised(&self.class, error))
    }
}

/// An object with a method `scores`.
#[derive(Debug)]
struct PythonScorer {
    object: Py<PyAny>,
    /// The name of its class.
    name: String,
    needs: Needs,
    grows: bool,
}

impl PythonScorer {
    fn new(py: Python<'_>, object: Py<PyAny>) -> PyResult<Self> {
        let bound = object.bind(py);
        let name = bound.get_type().name()?.to_string();
        bound.getattr("scores")?;
        let queries: usize = bound.getattr("queries")?.extract()?;
        let needs = Needs { weights: bound.getattr("weights")?.extract()?, ..Needs::queries(queries.max(1)) };
        let grows = bound.getattr("grows")?.extract()?;
        Ok(Self { object, name, needs, grows })
    }

    fn call(&self, py: Python<'_>, context: &ContextLayer<'_>) -> PyResult<Tensor> {
        let inputs = context.inputs();
        let (keys, values) =
            inputs.keys().and_then(|keys| Ok((keys, inputs.values()?))).map_err(errors::of_attention)?;
        let weights =
            self.needs.weights.then(|| context.weights().map(|weights| PyTensor(weights.shallow_clone())));
        let weights = weights.transpose().map_err(errors::of_attention)?;
        let shown = ContextInfo {
            layer: context.layer(),
            seed: context.seed(),
            kept: context.kept(),
            scale: inputs.scale(),
            queries: PyTensor(inputs.queries().shallow_clone()).into_pyobject(py)?.unbind(),
            weights: weights
                .map(|weights| Ok::<_, PyErr>(weights.into_pyobject(py)?.unbind()))
                .transpose()?,
        };
        let scores =
            self.object.bind(py).call_method1("scores", (PyTensor(keys), PyTensor(values), shown))?;
        let scores: PyTensor = scores.extract()?;
        let dims = inputs.dims();
        let expected = [dims.kv_heads as i64, dims.keys as i64];
        if scores.size() != expected {
            let text = format!("scores must be [Hkv, n], {expected:?}, got {:?}", scores.size());
            return Err(pyo3::exceptions::PyValueError::new_err(text));
        }
        let scores = scores.0.f_to_kind(Kind::Float).map_err(errors::of_torch)?;
        let has_nan = scores.f_isnan().and_then(|nan| nan.f_any()).and_then(i64::try_from);
        if has_nan.map_err(errors::of_torch)? != 0 {
            return Err(pyo3::exceptions::PyValueError::new_err("some scores are NaN"));
        }
        Ok(scores)
    }
}

impl Scorer for PythonScorer {
    fn name(&self) -> &'static str {
        <PythonMethod as RetentionRule>::INFO.name
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn grows(&self) -> bool {
        self.grows
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let scores = Python::with_gil(|py| self.call(py, context));
        scores.map_err(|error| raised(&format!("{}.scores", self.name), error))
    }
}

/// What a retention is told of one layer of a context.
#[pyclass(frozen, get_all, name = "Context", module = "sah")]
#[derive(Debug)]
pub(crate) struct ContextInfo {
    /// The layer's number, from 0.
    layer: usize,
    /// A seed for random choices in this layer.
    seed: u64,
    /// How many keys of each head stay, in the mean over heads and layers.
    kept: usize,
    /// The factor of the scores of attention.
    scale: f64,
    /// The last queries, `[1, H, w, D]`: as many as the class asks for, or as there are.
    queries: Py<PyAny>,
    /// The sums over all queries of the weights of each key, `[H, n]`, where the class asks for them.
    weights: Option<Py<PyAny>>,
}
