//! The command line with pieces of Python.

use std::ffi::OsString;
use std::rc::Rc;

use pyo3::prelude::*;
use sah::App;
use sah_attention::{AttentionConfig, MaskerRegistry, RetentionConfig, RetentionRegistry};
use serde_json::json;

use crate::benchmark::PythonBenchmark;
use crate::caller::PythonCaller;
use crate::errors::{UsageError, of_attention, of_failure};
use crate::method::{PythonMethod, class_in};

/// Models in memory, which calls share.
#[pyclass(unsendable, module = "sah")]
#[derive(Debug, Default)]
pub(crate) struct Models(Rc<sah::Models>);

#[pymethods]
impl Models {
    #[new]
    fn new() -> Self {
        Self::default()
    }
}

/// The attentions and retentions of the calling program: their names, and their configurations as JSON.
#[derive(FromPyObject, Default)]
pub(crate) struct Given {
    attentions: Vec<(String, String)>,
    retentions: Vec<(String, String)>,
    benchmarks: Vec<Py<PyAny>>,
}

/// The command line: what it knows by name, with what Python adds. `words` start a process of it.
pub(crate) fn app(words: Vec<OsString>, given: &Given) -> PyResult<App> {
    let maskers = MaskerRegistry::builtin().with_masker::<PythonMethod>().map_err(of_attention)?;
    let rules = RetentionRegistry::builtin().with_rule::<PythonMethod>().map_err(of_attention)?;
    let mut app = App::standard()
        .with_masker::<PythonMethod>()
        .with_retention_rule::<PythonMethod>()
        .with_attention_names(attention_of_class)
        .with_retention_names(retention_of_class)
        .with_program(words);
    let wrong = |name: &str, error: &dyn std::fmt::Display| UsageError::new_err(format!("{name}: {error}"));
    for (name, config) in &given.attentions {
        let mut json = serde_json::Deserializer::from_str(config);
        let config = AttentionConfig::read(&maskers, &mut json).map_err(|error| wrong(name, &error))?;
        app = app.with_attention(name, config);
    }
    for (name, config) in &given.retentions {
        let json = serde_json::from_str(config).map_err(|error| wrong(name, &error))?;
        let config = RetentionConfig::read(&rules, json).map_err(|error| wrong(name, &error))?;
        app = app.with_retention(name, config);
    }
    for benchmark in &given.benchmarks {
        app = Python::with_gil(|py| {
            Ok::<_, PyErr>(app.with_benchmark(PythonBenchmark::new(benchmark.bind(py))?))
        })?;
    }
    Ok(app)
}

impl Models {
    pub(crate) fn shared(&self) -> Rc<sah::Models> {
        Rc::clone(&self.0)
    }
}

/// A class of Python as an attention of that masker alone; it names the result folder.
fn attention_of_class(name: &str) -> Option<sah_attention::Result<(String, AttentionConfig)>> {
    let class = class_in(name)?;
    let registry = MaskerRegistry::builtin().with_masker::<PythonMethod>();
    Some(registry.and_then(|registry| {
        let config = json!({"maskers": [{"type": "python", "class": name}]});
        let config = AttentionConfig::read(&registry, config);
        let problem = |error: serde_json::Error| sah_attention::Error::Method {
            method: name.to_owned(),
            problem: error.to_string(),
        };
        Ok((class.to_owned(), config.map_err(problem)?))
    }))
}

/// The same as a retention with that rule alone.
fn retention_of_class(name: &str) -> Option<sah_attention::Result<(String, RetentionConfig)>> {
    let class = class_in(name)?;
    let registry = RetentionRegistry::builtin().with_rule::<PythonMethod>();
    Some(registry.and_then(|registry| {
        let config = json!({"rules": [{"type": "python", "class": name}]});
        Ok((class.to_owned(), RetentionConfig::read(&registry, config)?))
    }))
}

/// Runs the command line as a program does, and gives its exit code: `python -m sah`.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, words: Vec<OsString>, arguments: Vec<OsString>) -> PyResult<u8> {
    let app = app(words, &Given::default())?;
    // Nothing of an app goes to another thread.
    let run = Unshared(app);
    Ok(py.allow_threads(move || {
        let run = run;
        run.0.main_with(arguments)
    }))
}

/// Runs a command in this process and gives its exit code.
#[pyfunction]
pub(crate) fn call(
    py: Python<'_>,
    words: Vec<OsString>,
    arguments: Vec<OsString>,
    given: Given,
    models: PyRef<'_, Models>,
    caller: Py<PyAny>,
) -> PyResult<u8> {
    let app = app(words, &given)?.with_models(models.shared()).with_caller(PythonCaller::new(caller));
    let run = Unshared(app);
    py.allow_threads(move || {
        let run = run;
        run.0.call(arguments)
    })
    .map_err(|failure| of_failure(py, failure))
}

/// Loads the model that `arguments` name into `models`, and says what it is: a dictionary as JSON.
#[pyfunction]
pub(crate) fn load(
    py: Python<'_>,
    words: Vec<OsString>,
    arguments: Vec<OsString>,
    models: PyRef<'_, Models>,
) -> PyResult<String> {
    let run = Unshared(app(words, &Given::default())?.with_models(models.shared()));
    py.allow_threads(move || {
        let run = run;
        let model = run.0.load(arguments)?;
        let identity = model.identity();
        Ok(json!({
            "name": identity.name,
            "architecture": identity.architecture,
            "source": identity.source,
            "sha256": identity.sha256,
        })
        .to_string())
    })
    .map_err(|failure| of_failure(py, failure))
}

/// Something that stays on its thread while Python's lock is released: [`Python::allow_threads`] runs its closure there.
pub(crate) struct Unshared<T>(pub(crate) T);

// SAFETY: the closure of `allow_threads` runs on the thread that called it, so that nothing is sent anywhere.
unsafe impl<T> Send for Unshared<T> {}
