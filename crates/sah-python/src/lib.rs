//! The extension module behind the Python package `sah`: the command line with pieces of Python, answers of models in memory, and the
//! rows of finished runs.

mod answers;
mod app;
mod benchmark;
mod caller;
mod errors;
mod external;
mod interned;
mod lent;
mod masker;
mod method;
mod metric;
mod objects;
mod raised;
mod retention;
mod rows;
mod scores;
mod thread_state;

use pyo3::prelude::*;

#[pymodule]
fn _sah(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("Error", py.get_type::<errors::Error>())?;
    let usage_error = py.get_type::<errors::UsageError>();
    usage_error.setattr("kind", "usage")?;
    module.add("UsageError", usage_error)?;
    module.add_class::<app::Models>()?;
    module.add_class::<external::LayerCalls>()?;
    module.add_class::<masker::Layer>()?;
    module.add_class::<masker::Previous>()?;
    module.add_class::<retention::ContextInfo>()?;
    module.add_class::<benchmark::TokenCounter>()?;
    module.add_class::<metric::OwnMetric>()?;
    module.add_class::<rows::Rows>()?;
    module.add_function(wrap_pyfunction!(app::main, module)?)?;
    module.add_function(wrap_pyfunction!(app::call, module)?)?;
    module.add_function(wrap_pyfunction!(app::load, module)?)?;
    module.add_function(wrap_pyfunction!(answers::answer, module)?)?;
    module.add_function(wrap_pyfunction!(external::add_external, module)?)?;
    module.add_function(wrap_pyfunction!(external::external_logits, module)?)?;
    module.add_function(wrap_pyfunction!(objects::keep_object, module)?)?;
    module.add_function(wrap_pyfunction!(objects::forget_object, module)?)?;
    Ok(())
}
