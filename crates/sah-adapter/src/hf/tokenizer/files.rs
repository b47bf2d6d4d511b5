//! The files beside a vocabulary.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Error;
use crate::hf::json;

/// What they say; null where there is none.
#[derive(Debug, Default)]
pub(in crate::hf) struct TokenizerFiles {
    folder: PathBuf,
    /// `tokenizer_config.json`.
    pub(in crate::hf) config: Value,
    /// `special_tokens_map.json`.
    pub(super) map: Value,
    /// `added_tokens.json`.
    pub(super) added: Value,
    /// `config.json`.
    pub(super) model: Value,
}

/// A switch that may be missing or null, which are not the same in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    Missing,
    Null,
    Is(bool),
}

impl Flag {
    /// Whether it is on, where null is not and `missing` is what no value means.
    pub(super) fn or(self, missing: bool) -> bool {
        match self {
            Self::Missing => missing,
            Self::Null => false,
            Self::Is(flag) => flag,
        }
    }
}

impl TokenizerFiles {
    pub(in crate::hf) const CONFIG: &str = "tokenizer_config.json";
    pub(in crate::hf) const MAP: &str = "special_tokens_map.json";
    pub(in crate::hf) const ADDED: &str = "added_tokens.json";

    pub(in crate::hf) fn read(folder: &Path) -> Result<Self, Error> {
        let optional = |file: &str| json::read_optional(&folder.join(file)).map(Option::unwrap_or_default);
        Ok(Self {
            folder: folder.to_owned(),
            config: optional(Self::CONFIG)?,
            map: optional(Self::MAP)?,
            added: optional(Self::ADDED)?,
            // What is wrong with it is said where the model is built from it.
            model: optional("config.json").unwrap_or_default(),
        })
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The name of the tokenizer's class, where a file says it.
    pub(super) fn class_name(&self) -> Option<&str> {
        self.config["tokenizer_class"].as_str().or_else(|| self.model["tokenizer_class"].as_str())
    }

    pub(super) fn model_type(&self) -> &str {
        self.model["model_type"].as_str().unwrap_or_default()
    }

    /// A switch of `tokenizer_config.json`.
    pub(super) fn flag(&self, name: &str) -> Result<Flag, Error> {
        match self.config.get(name) {
            None => Ok(Flag::Missing),
            Some(Value::Null) => Ok(Flag::Null),
            Some(Value::Bool(flag)) => Ok(Flag::Is(*flag)),
            Some(other) => Err(self.wrong(Self::CONFIG, name, "true or false", other)),
        }
    }

    /// An error about a field of one of the files.
    pub(super) fn wrong(&self, file: &str, field: &str, expected: &str, found: &Value) -> Error {
        Error::Field {
            path: self.path(file),
            field: field.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}
