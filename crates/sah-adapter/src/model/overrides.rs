//! What a user wants a model to be other than its config says.

use serde_json::{Map, Value};

/// A value that was given beside a config, and what errors call it.
#[derive(Clone, Debug, PartialEq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// What it was given as: the name of an option.
    pub name: String,
}

impl<T> Given<T> {
    /// `value`, given as `name`.
    pub fn new(value: T, name: impl Into<String>) -> Self {
        Self { value, name: name.into() }
    }
}

/// What is used instead of a config's fields; nothing by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigOverrides {
    /// Rotary embeddings, with the fields of `rope_scaling` or `rope_parameters` in a `config.json`. The config's own are
    /// not read, but for `rope_theta` and `partial_rotary_factor` where these are not given.
    ///
    /// For a model whose layers with and without a window have embeddings of their own, objects named `full_attention` and
    /// `sliding_attention`, of which one may be missing; anything else is for the layers without a window.
    pub rope: Option<Given<Map<String, Value>>>,
    /// How many positions a prompt and its answer may take. Nothing that is computed depends on it.
    pub positions: Option<Given<usize>>,
}
