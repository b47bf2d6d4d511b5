//! Models whose layers Python computes.

mod calls;
mod facts;

use std::path::PathBuf;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3_tch::PyTensor;
use sah_adapter::{
    Error, ExternalFacts, ExternalMemory, ExternalModel, ExternalNetwork, ExternalStep, ExternalTokens,
    KeptOfLayer, LayerCalls as Calls, Network,
};
use sah_attention::{AttentionPolicy, KvFormat};
use tch::Tensor;

pub(crate) use calls::LayerCalls;

use crate::app::Models;
use crate::errors;
use crate::lent::lend;
use crate::raised::raised;
use facts::Facts;

/// An object with the methods `forward` and `read_dropping`, and what it says of itself.
#[derive(Debug)]
struct PythonNetwork {
    object: Py<PyAny>,
    facts: ExternalFacts,
}

impl PythonNetwork {
    fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let facts: Facts = object.getattr("facts")?.extract()?;
        Ok(Self { object: object.clone().unbind(), facts: facts.read()? })
    }

    /// What the method `name` gives, to which `calls` is lent.
    fn call<'py, T: FromPyObject<'py>>(
        &self,
        py: Python<'py>,
        name: &str,
        tokens: &ExternalTokens<'_>,
        calls: &mut Calls<'_>,
    ) -> Result<T, Error> {
        // SAFETY: only the lifetime is another; it is taken back before `calls` may end.
        let calls = unsafe {
            std::mem::transmute::<NonNull<Calls<'_>>, NonNull<Calls<'static>>>(NonNull::from(calls))
        };
        let failed = |error| Error::from(raised(&format!("{}.{name}", self.name(py)), error));
        let called = |lent| {
            let object = Bound::new(py, LayerCalls::new(lent)).map_err(failed)?;
            let give = || {
                let ids = row(tokens.ids.iter().map(|&id| i64::from(id)))?;
                let places = row(tokens.places.iter().map(|&place| place as i64))?;
                let memory = Self::memory(py, tokens);
                let arguments = (ids, places, memory, tokens.needs_all_logits, &object);
                self.object.bind(py).call_method1(name, arguments)?.extract()
            };
            give().map_err(|error| object.borrow().refused().unwrap_or_else(|| failed(error)))
        };
        // SAFETY: this function has the only reference, and outlasts the loan.
        unsafe { lend(calls, called) }
    }

    /// What was remembered of the tokens before these.
    fn memory(py: Python<'_>, tokens: &ExternalTokens<'_>) -> Option<Py<PyAny>> {
        let state = |memory: &ExternalMemory| {
            memory.state.downcast_ref::<Py<PyAny>>().expect("what this network gave").clone_ref(py)
        };
        tokens.memory.map(state)
    }

    fn name(&self, py: Python<'_>) -> String {
        let name = self.object.bind(py).getattr("name").and_then(|name| name.extract());
        name.unwrap_or_else(|_| "the model".to_owned())
    }
}

/// `[1, n]` of int64.
fn row(numbers: impl Iterator<Item = i64>) -> PyResult<PyTensor> {
    let row = Tensor::f_from_slice(&numbers.collect::<Vec<_>>()).and_then(|row| row.f_unsqueeze(0));
    Ok(PyTensor(row.map_err(errors::of_torch)?))
}

impl ExternalNetwork for PythonNetwork {
    fn facts(&self) -> &ExternalFacts {
        &self.facts
    }

    fn forward(&self, tokens: ExternalTokens<'_>, layers: &mut Calls<'_>) -> Result<ExternalStep, Error> {
        Python::with_gil(|py| {
            let (logits, memory): (PyTensor, Option<(Py<PyAny>, usize)>) =
                self.call(py, "forward", &tokens, layers)?;
            let memory = memory.map(|(state, bytes)| ExternalMemory { state: Rc::new(state), bytes });
            Ok(ExternalStep { logits: logits.0, memory })
        })
    }

    fn read_dropping(
        &self,
        tokens: ExternalTokens<'_>,
        layers: &mut Calls<'_>,
    ) -> Result<Vec<KeptOfLayer>, Error> {
        type Kept = (Vec<Vec<usize>>, Option<(PyTensor, PyTensor)>);
        Python::with_gil(|py| {
            let kept: Vec<Kept> = self.call(py, "read_dropping", &tokens, layers)?;
            let of_layer = |(heads, changed): Kept| {
                let changed = changed.map(|(keys, values)| (keys.0, values.0));
                KeptOfLayer { heads, changed }
            };
            Ok(kept.into_iter().map(of_layer).collect())
        })
    }
}

/// The logits of `network`, `[vocabulary]`, after each of `parts`, which follow one another, with dense attention of our own.
#[pyfunction]
pub(crate) fn external_logits(network: &Bound<'_, PyAny>, parts: Vec<Vec<u32>>) -> PyResult<Vec<Vec<f32>>> {
    let network = PythonNetwork::new(network)?;
    let format = KvFormat::Plain(network.facts.kind);
    let network = Network::external(Arc::new(network), format);
    let length = parts.iter().map(Vec::len).sum();
    let fed = || -> Result<Vec<Vec<f32>>, Error> {
        let mut sequence = network.sequence(length)?;
        parts.iter().map(|ids| sequence.feed(ids, &mut AttentionPolicy::dense())).collect()
    };
    fed().map_err(errors::of_adapter)
}

/// Puts a model to `models`, whose layers `network` computes. `folder` has its config and its tokenizer.
#[pyfunction]
pub(crate) fn add_external(
    models: PyRef<'_, Models>,
    name: String,
    source: String,
    folder: PathBuf,
    sha256: String,
    network: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let network = Arc::new(PythonNetwork::new(network)?);
    models.shared().add_external(ExternalModel { name, source, folder, sha256, network });
    Ok(())
}
