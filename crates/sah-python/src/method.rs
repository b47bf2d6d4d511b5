//! A method of Python in a configuration: a class, or an object that the calling program made.

use pyo3::prelude::*;
use sah_attention::FieldInfo;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::objects::{self, ObjectId};

/// Which method it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub(crate) struct PythonMethod {
    /// Where the class is: `file.py:Class`, or `package.module:Class`.
    pub(crate) class: String,
    /// What its constructor is called with. Of an object: its public attributes that JSON has a form for, and the words that
    /// Python shows of others.
    #[serde(skip_serializing_if = "Map::is_empty")]
    arguments: Map<String, Value>,
    /// SHA-256 of the class's source, where Python finds it: a run is not resumed with another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_sha256: Option<String>,
    /// The object itself, in this process.
    #[serde(skip_serializing)]
    object: Option<ObjectId>,
}

/// The fields as a configuration has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    class: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    source_sha256: Option<String>,
    object: Option<ObjectId>,
}

impl TryFrom<Fields> for PythonMethod {
    type Error = PyErr;

    /// With the SHA-256 of the class's source where there is none. Fails where the class cannot be imported.
    fn try_from(fields: Fields) -> PyResult<Self> {
        let Fields { class, arguments, source_sha256, object } = fields;
        let source_sha256 = match (source_sha256, object) {
            (None, None) => Python::with_gil(|py| {
                let sources = py.import("sah._sources")?;
                let class = sources.call_method1("found", (&class,))?;
                sources.call_method1("source_sha256", (class,))?.extract()
            })?,
            (sha256, _) => sha256,
        };
        Ok(Self { class, arguments, source_sha256, object })
    }
}

/// The fields, for lists.
pub(crate) const FIELDS: &[FieldInfo] = &[
    FieldInfo::required("class", "`file.py:Class` or `package.module:Class`"),
    FieldInfo::optional("arguments", "what its constructor takes", "none"),
    FieldInfo::optional("source_sha256", "SHA-256 of the source of the class", "that of the class"),
];

impl PythonMethod {
    /// Its object: that of the calling program, or one of the class.
    pub(crate) fn object(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(id) = self.object {
            return objects::get(py, id);
        }
        let arguments = Value::Object(self.arguments.clone()).to_string();
        let arguments = py.import("json")?.call_method1("loads", (arguments,))?;
        let sources = py.import("sah._sources")?;
        let object = sources.call_method1("made", (&self.class, arguments, self.source_sha256.as_deref()))?;
        Ok(object.unbind())
    }
}

/// The class that `name` names, where it is `file.py:Class` or `package.module:Class`.
pub(crate) fn class_in(name: &str) -> Option<&str> {
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let (place, class) = name.rsplit_once(':')?;
    let is_file = std::path::Path::new(place).extension().is_some_and(|extension| extension == "py");
    (is_word(class) && (is_file || place.split('.').all(is_word))).then_some(class)
}
