//! The command line with pieces of Python.

use std::ffi::OsString;
use std::rc::Rc;

use pyo3::prelude::*;
use sah::App;
use serde_json::{Value, json};

use crate::benchmark::PythonBenchmark;
use crate::caller::PythonCaller;
use crate::errors::{UsageError, of_failure};
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

/// The attentions and retentions of the calling program, their names and their configurations as JSON, and its benchmarks.
#[derive(FromPyObject, Default)]
pub(crate) struct Given {
    attentions: Vec<(String, String)>,
    retentions: Vec<(String, String)>,
    benchmarks: Vec<Py<PyAny>>,
}

/// The command line: what it knows by name, with what Python adds. `words` start a process of it.
pub(crate) fn app(words: Vec<OsString>, given: &Given) -> PyResult<App> {
    let mut app = App::standard()
        .with_masker::<PythonMethod>()
        .with_retention_rule::<PythonMethod>()
        .with_attention_names(|name| of_class(name, "maskers"))
        .with_retention_names(|name| of_class(name, "rules"))
        .with_program(words);
    let wrong = |error: sah::UsageError| UsageError::new_err(error.to_string());
    let read = |config: &str| serde_json::from_str(config).expect("Python writes JSON");
    for (name, config) in &given.attentions {
        app = app.with_attention(name, read(config)).map_err(wrong)?;
    }
    for (name, config) in &given.retentions {
        app = app.with_retention(name, read(config)).map_err(wrong)?;
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

/// A class of Python as the only one of the `parts` of an attention or a retention; it names the result folder.
fn of_class(name: &str, parts: &str) -> Option<(String, Value)> {
    let class = class_in(name)?;
    Some((class.to_owned(), json!({parts: [{"type": "python", "class": name}]})))
}

/// Runs the command line as a program does, and gives its exit code: `python -m sah`.
#[pyfunction]
pub(crate) fn main(
    py: Python<'_>,
    words: Vec<OsString>,
    arguments: Vec<OsString>,
    benchmarks: Vec<Py<PyAny>>,
) -> PyResult<u8> {
    let given = Given { benchmarks, ..Given::default() };
    Ok(released(py, app(words, &given)?, |app| app.main_with(arguments)))
}

/// Runs a command in this process and gives its exit code.
#[pyfunction]
pub(crate) fn call(
    py: Python<'_>,
    words: Vec<OsString>,
    arguments: Vec<OsString>,
    given: Given,
    models: Option<PyRef<'_, Models>>,
    caller: Py<PyAny>,
) -> PyResult<u8> {
    let mut app = app(words, &given)?.with_caller(PythonCaller::new(caller));
    if let Some(models) = models {
        app = app.with_models(models.shared());
    }
    released(py, app, |app| app.call(arguments)).map_err(|failure| of_failure(py, failure))
}

/// Loads the model that `arguments` name into `models`, and says what it is: a dictionary as JSON.
#[pyfunction]
pub(crate) fn load(
    py: Python<'_>,
    words: Vec<OsString>,
    arguments: Vec<OsString>,
    models: PyRef<'_, Models>,
) -> PyResult<String> {
    let app = app(words, &Given::default())?.with_models(models.shared());
    released(py, app, |app| {
        let model = app.load(arguments)?;
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

/// What `work` makes of the command line while Python's lock is released.
pub(crate) fn released<T: Send>(py: Python<'_>, app: App, work: impl FnOnce(App) -> T + Send) -> T {
    struct Unshared(App);
    // SAFETY: the closure of `allow_threads` runs on the thread that called it, so that nothing is sent anywhere.
    unsafe impl Send for Unshared {}

    let unshared = Unshared(app);
    py.allow_threads(move || {
        let Unshared(app) = { unshared };
        work(app)
    })
}
