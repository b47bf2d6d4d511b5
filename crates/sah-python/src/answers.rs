//! Answers of a model in memory.

use std::ffi::OsString;

use pyo3::prelude::*;
use pyo3::types::PyList;
use sah::AnswerListener;
use sah_request::{NewToken, RequestResponse};

use crate::app::{Given, Models, app, released};
use crate::errors::of_failure;

/// Answers what `arguments` ask, those of `generate`, about `context`. `on_token(attention, question, text, is_thought, is_last)` is
/// called for each new token, if it is given. Gives for each attention its name and its response as JSON.
#[pyfunction]
pub(crate) fn answer(
    py: Python<'_>,
    words: Vec<OsString>,
    arguments: Vec<OsString>,
    context: Option<String>,
    given: Given,
    models: PyRef<'_, Models>,
    on_token: Option<Py<PyAny>>,
) -> PyResult<Py<PyList>> {
    let app = app(words, &given)?.with_models(models.shared());
    let mut heard = Heard { on_token, raised: None, responses: Vec::new() };
    let answered = released(py, app, |app| app.answer(arguments, context, &mut heard));
    if let Some(raised) = heard.raised {
        return Err(raised);
    }
    answered.map_err(|failure| of_failure(py, failure))?;
    Ok(PyList::new(py, heard.responses)?.unbind())
}

struct Heard {
    on_token: Option<Py<PyAny>>,
    /// What the function raised, which is not called again.
    raised: Option<PyErr>,
    responses: Vec<(String, String)>,
}

impl AnswerListener for Heard {
    fn token(&mut self, attention: &str, token: NewToken<'_>) {
        let Some(on_token) = self.on_token.as_ref().filter(|_| self.raised.is_none()) else { return };
        self.raised = Python::with_gil(|py| {
            py.check_signals()?;
            let NewToken { question, text, is_thought, is_last, .. } = token;
            on_token.call1(py, (attention, question, text, is_thought, is_last)).map(drop)
        })
        .err();
    }

    fn answered(&mut self, attention: &str, response: RequestResponse) {
        let response = serde_json::to_string(&response).expect("a response is plain data");
        self.responses.push((attention.to_owned(), response));
    }
}
