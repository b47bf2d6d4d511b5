//! Tensors of a checkpoint by their Hugging Face names.

use std::fmt::Display;
use tch::{Device, Kind, Tensor};

use crate::Error;

/// The weights of a checkpoint. Nothing is kept in memory: each tensor is read from its file when asked for.
#[derive(Debug)]
pub(crate) struct Weights;

impl Weights {
    /// The top of the tree of names; tensors come out as `kind` on `device`.
    pub(crate) fn root(&self, device: Device, kind: Kind) -> WeightPath<'_> {
        WeightPath { weights: self, prefix: String::new(), device, kind }
    }
}

/// A place in the tree of tensor names.
#[derive(Clone, Debug)]
pub(crate) struct WeightPath<'a> {
    weights: &'a Weights,
    prefix: String,
    device: Device,
    kind: Kind,
}

impl<'a> WeightPath<'a> {
    /// One or more levels down: `pp("model.layers")`, `pp(layer)`.
    pub(crate) fn pp(&self, name: impl Display) -> Self {
        Self { prefix: self.full_name(name), ..self.clone() }
    }

    /// The tensor `name` below this place, which must have `shape`.
    pub(crate) fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor, Error> {
        let _ = (self.weights, self.device, self.kind, name, shape);
        Err(Error::Other("WeightPath::tensor is being written".into()))
    }

    /// Whether there is a tensor `name` below this place.
    pub(crate) fn contains(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    fn full_name(&self, name: impl Display) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }
}
