//! Strict JSON files.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::atomic::write_file;
use super::finite::{Refusal, check_finite};
use crate::Error;

/// Writes `value` as indented JSON (two spaces, UTF-8, a line feed at the end), atomically, keys in the order of the value.
///
/// # Errors
///
/// [`Error::NotFinite`] names the first NaN or infinity; nothing is written then.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    if let Err(Refusal::NotFinite { key, value }) = check_finite(value) {
        return Err(Error::NotFinite { path: path.to_path_buf(), key, value });
    }
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|source| Error::Json { path: path.to_path_buf(), source })?;
    bytes.push(b'\n');
    write_file(path, &bytes)
}

/// Reads a file that [`write_json`] wrote.
///
/// # Errors
///
/// [`Error::Missing`] where there is no such file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { path: path.to_path_buf() },
        _ => Error::Io { path: path.to_path_buf(), source },
    })?;
    serde_json::from_slice(&bytes).map_err(|source| Error::Json { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_the_last_line_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let value = serde_json::json!({"z": 1, "a": [0.1, null], "m": "\u{4e2d}\u{6587}"});
        write_json(&path, &value).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "{\n  \"z\": 1,\n  \"a\": [\n    0.1,\n    null\n  ],\n  \"m\": \"\u{4e2d}\u{6587}\"\n}\n"
        );
        assert_eq!(read_json::<serde_json::Value>(&path).unwrap(), value);
    }

    #[test]
    fn nan_is_an_error_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let error = write_json(&path, &[("score", f64::NAN)]).unwrap_err();
        assert!(matches!(&error, Error::NotFinite { key, .. } if key == "[0][1]"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_missing_file_is_told_from_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        assert!(matches!(read_json::<u32>(&path), Err(Error::Missing { .. })));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(read_json::<u32>(&path), Err(Error::Json { .. })));
    }
}
