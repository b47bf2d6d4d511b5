//! What a model of Python says of itself.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sah_adapter::{ExternalFacts, ExternalLayer};
use tch::{Device, Kind};

/// The attributes of an object of `sah._network.Facts`.
#[derive(FromPyObject)]
pub(super) struct Facts {
    layers: Vec<Layer>,
    positions: usize,
    vocabulary: usize,
    dtype: String,
    has_memory: bool,
    reads_in_parts: bool,
    drops_keys: bool,
    weight_bytes: u64,
    notes: Vec<String>,
}

#[derive(FromPyObject)]
struct Layer {
    device: String,
    query_heads: usize,
    kv_heads: usize,
    key_dim: usize,
    value_dim: usize,
    window: Option<usize>,
}

impl Facts {
    pub(super) fn read(self) -> PyResult<ExternalFacts> {
        let kind = match &*self.dtype {
            "f32" => Kind::Float,
            "bf16" => Kind::BFloat16,
            "f16" => Kind::Half,
            other => {
                return Err(PyValueError::new_err(format!("dtype {other} is none of f32, bf16 and f16")));
            }
        };
        Ok(ExternalFacts {
            layers: self.layers.into_iter().map(Layer::read).collect::<PyResult<_>>()?,
            positions: self.positions,
            vocabulary: self.vocabulary,
            kind,
            has_memory: self.has_memory,
            reads_in_parts: self.reads_in_parts,
            drops_keys: self.drops_keys,
            weight_bytes: self.weight_bytes,
            notes: self.notes,
        })
    }
}

impl Layer {
    fn read(self) -> PyResult<ExternalLayer> {
        let Self { device, query_heads, kv_heads, key_dim, value_dim, window } = self;
        let device = match device.split_once(':') {
            None if device == "cpu" => Device::Cpu,
            Some(("cuda", number)) if number.parse::<usize>().is_ok() => {
                Device::Cuda(number.parse().unwrap_or_default())
            }
            _ => return Err(PyValueError::new_err(format!("device {device} is none of cpu and cuda:N"))),
        };
        Ok(ExternalLayer { device, query_heads, kv_heads, key_dim, value_dim, window })
    }
}
