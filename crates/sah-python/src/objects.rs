//! Objects of the calling program that configurations name: these are plain data, which an object is not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

/// The name of an object in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ObjectId(u64);

static OBJECTS: Mutex<Option<HashMap<u64, Py<PyAny>>>> = Mutex::new(None);

/// Keeps `object` until [`forget`], and gives its name: always the same for the same object.
pub(crate) fn keep(object: &Bound<'_, PyAny>) -> ObjectId {
    let id = object.as_ptr() as u64;
    let mut objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    objects.get_or_insert_default().insert(id, object.clone().unbind());
    ObjectId(id)
}

/// The object of this name.
pub(crate) fn get(py: Python<'_>, id: ObjectId) -> PyResult<Py<PyAny>> {
    let objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    let object = objects.as_ref().and_then(|objects| objects.get(&id.0)).map(|object| object.clone_ref(py));
    object.ok_or_else(|| PyLookupError::new_err("the object of this configuration is gone"))
}

/// Forgets an object.
pub(crate) fn forget(id: ObjectId) {
    let mut objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
    let gone = objects.as_mut().and_then(|objects| objects.remove(&id.0));
    // It may run code of its own, which may come back here.
    drop(objects);
    drop(gone);
}

/// Keeps an object for configurations of this process, and gives its name there.
#[pyfunction]
pub(crate) fn keep_object(object: &Bound<'_, PyAny>) -> u64 {
    keep(object).0
}

/// Forgets an object that was kept.
#[pyfunction]
pub(crate) fn forget_object(id: u64) {
    forget(ObjectId(id));
}
