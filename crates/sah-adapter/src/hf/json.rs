//! JSON files of a checkpoint.

use std::path::Path;

use serde_json::Value;

use crate::Error;

/// The JSON in a file.
pub(crate) fn read(path: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|error| Error::BadFile {
        path: path.to_owned(),
        problem: format!("is no JSON: {error}"),
        remedy: "fetch the file again".into(),
    })
}

/// The JSON in a file that may be missing.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Value>, Error> {
    if path.is_file() { read(path).map(Some) } else { Ok(None) }
}
