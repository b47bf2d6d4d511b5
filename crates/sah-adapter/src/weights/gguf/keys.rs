//! The metadata keys of one architecture in a GGUF file.

use super::Metadata;
use super::architecture::{Architecture, in_layer};
use super::reader::Gguf;
use super::value::Value;
use crate::Error;

/// The metadata of one architecture: keys are written without its name.
pub(super) struct Keys<'a> {
    pub(super) gguf: &'a Gguf,
    pub(super) metadata: Metadata<'a>,
    pub(super) architecture: Architecture,
}

impl<'a> Keys<'a> {
    pub(super) fn new(gguf: &'a Gguf, architecture: Architecture) -> Self {
        Self { gguf, metadata: Metadata(gguf), architecture }
    }

    pub(super) fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture.name())
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, Error> {
        self.metadata.integer(&self.full(name))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        self.metadata.number(&self.full(name))
    }

    /// A number that must be there and above 0.
    pub(super) fn positive(&self, name: &str) -> Result<u64, Error> {
        let expected = "a whole number above 0";
        match self.integer(name)? {
            Some(0) => Err(self.wrong(name, expected, "0")),
            value => self.metadata.required(&self.full(name), expected, value),
        }
    }

    /// A number that must be there.
    pub(super) fn required_number(&self, name: &str) -> Result<f64, Error> {
        self.metadata.required(&self.full(name), "a number", self.number(name)?)
    }

    /// A number above 0 for each of `layers`: one for all, or a list.
    pub(super) fn of_layers(&self, name: &str, layers: u64) -> Result<Vec<u64>, Error> {
        self.check_layers(layers)?;
        let expected = format!("a whole number above 0, or one for each of the {layers} layers");
        let value = self.gguf.metadata.get(&self.full(name));
        let value = self.metadata.required(&self.full(name), &expected, value)?;
        let all = match value {
            Value::Array(list) => list.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>(),
            one => one.as_u64().map(|one| vec![one; layers as usize]),
        };
        let all = all.filter(|all| all.len() as u64 == layers && !all.contains(&0));
        all.ok_or_else(|| self.wrong(name, &expected, &value.describe()))
    }

    pub(super) fn wrong(&self, name: &str, expected: &str, found: &str) -> Error {
        self.metadata.wrong(&self.full(name), expected, found)
    }

    pub(super) fn has_tensor(&self, name: &str) -> bool {
        self.gguf.tensors.contains_key(name)
    }

    /// Whether a layer has the tensor `name`.
    pub(super) fn has_tensor_in_a_layer(&self, name: &str) -> bool {
        let has = |tensor: &String| in_layer(tensor).is_some_and(|(_, inside)| inside == name);
        self.gguf.tensors.keys().any(has)
    }

    /// Whether any of these modules has a bias in a layer.
    pub(super) fn has_bias(&self, modules: &[&str]) -> bool {
        modules.iter().any(|module| self.has_tensor_in_a_layer(&format!("{module}.bias")))
    }

    /// That something can be listed for each of `layers`: a list takes more memory than their number took in the file.
    pub(super) fn check_layers(&self, layers: u64) -> Result<(), Error> {
        const MAX_LAYERS: u64 = 1 << 16;
        if layers > MAX_LAYERS {
            return Err(self.wrong("block_count", &format!("at most {MAX_LAYERS}"), &layers.to_string()));
        }
        Ok(())
    }
}
