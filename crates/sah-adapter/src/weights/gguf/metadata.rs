//! Typed access to a file's metadata.

use super::reader::Gguf;
use super::value::Value;
use crate::Error;

/// Typed access to the metadata of a file, with errors that name the key.
pub(crate) struct Metadata<'a>(pub(crate) &'a Gguf);

impl<'a> Metadata<'a> {
    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.0.metadata.get(key) else { return Ok(None) };
        convert(value).map(Some).ok_or_else(|| self.wrong(key, expected, &value.describe()))
    }

    /// An error about the value of `key`.
    pub(crate) fn wrong(&self, key: &str, expected: &str, found: &str) -> Error {
        Error::Field {
            path: self.0.path.clone(),
            field: key.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// An error about the value of `key`, which asks for something that this crate does not do.
    pub(crate) fn unsupported(&self, key: &str, found: &str, supported: &str) -> Error {
        Error::Unsupported {
            path: self.0.path.clone(),
            field: key.into(),
            found: found.into(),
            supported: supported.into(),
        }
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T>(&self, key: &str, expected: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.wrong(key, expected, "nothing"))
    }

    pub(crate) fn integer(&self, key: &str) -> Result<Option<u64>, Error> {
        self.typed(key, "a whole number that is not negative", Value::as_u64)
    }

    pub(crate) fn token_id(&self, key: &str) -> Result<Option<u32>, Error> {
        self.typed(key, "a token number", |value| u32::try_from(value.as_u64()?).ok())
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        self.typed(key, "a finite number", Value::as_f64)
    }

    pub(crate) fn bool(&self, key: &str) -> Result<Option<bool>, Error> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        self.typed(key, "a text", Value::as_str)
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, Error> {
        self.typed(key, "an array of texts", |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    pub(crate) fn integers(&self, key: &str) -> Result<Option<Vec<u64>>, Error> {
        self.typed(key, "an array of whole numbers", |value| {
            value.as_array()?.iter().map(Value::as_u64).collect()
        })
    }

    pub(crate) fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, Error> {
        self.typed(key, "an array of finite numbers", |value| {
            value.as_array()?.iter().map(Value::as_f64).collect()
        })
    }
}
