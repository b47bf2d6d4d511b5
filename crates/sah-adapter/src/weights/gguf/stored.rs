//! Which tensors a file has, seen from Hugging Face.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Metadata;
use super::architecture::{Architecture, DeltaHeads, Heads, Layout, Order, Role, RowOrder, in_layer};
use super::reader::{Gguf, TensorInfo};
use crate::Error;

/// A tensor in the file, seen from Hugging Face.
#[derive(Debug)]
pub(super) struct Stored {
    /// Its name in the file.
    pub(super) name: String,
    /// Its shape in Hugging Face form.
    pub(super) shape: Vec<i64>,
    pub(super) layout: Layout,
    /// Which part of it, and of how many that lie one after another.
    part: Option<(u64, u64)>,
}

impl Stored {
    /// Where its bytes begin among those of the file's tensor, and how many they are: whole rows, which consist of whole blocks.
    pub(super) fn bytes(&self, info: &TensorInfo) -> (u64, u64) {
        match self.part {
            None => (0, info.bytes),
            Some((number, count)) => (info.bytes / count * number, info.bytes / count),
        }
    }

    /// The names of the tensors that its rows are in.
    pub(super) fn sources(&self) -> Vec<String> {
        let mut sources = vec![self.name.clone()];
        if self.layout.order == Order::Rows(RowOrder::ByKeyHead) {
            sources.push(self.name.replace("attn_qkv", "attn_gate"));
        }
        sources
    }
}

/// The tensors of a file.
#[derive(Debug)]
pub(super) struct Contents {
    /// By Hugging Face name.
    pub(super) tensors: BTreeMap<String, Stored>,
    /// The file's names of those that no model here has.
    pub(super) left_out: Vec<String>,
}

impl Contents {
    /// `config` is that of the file.
    pub(super) fn new(file: &Gguf, architecture: Architecture, config: &Json) -> Result<Self, Error> {
        let layers = config["num_hidden_layers"].as_u64().unwrap_or(u64::MAX);
        let key = format!("{}.block_count", architecture.name());
        let blocks = Metadata(file).integer(&key)?.unwrap_or(u64::MAX);
        let (mut tensors, mut left_out) = (BTreeMap::new(), vec![]);
        for (name, info) in &file.tensors {
            let layer = in_layer(name).map_or(0, |(layer, _)| layer as u64);
            if layer >= blocks {
                let expected = format!("more than {layer}, as there is a tensor `{name}`");
                return Err(Metadata(file).wrong(&key, &expected, &blocks.to_string()));
            }
            // Layers that predict further tokens come after all others.
            if layer >= layers {
                left_out.push(name.clone());
                continue;
            }
            match architecture.role(name) {
                Some(Role::Rope | Role::Beside) => {}
                Some(Role::Weight(ours, layout)) => {
                    let shape = layout.shape_of(&info.shape);
                    let mut stored = Stored { name: name.clone(), shape, layout, part: None };
                    for other in stored.sources().iter().skip(1) {
                        let rows = rows_beside(file, name, other)?;
                        stored.shape[0] += rows;
                    }
                    tensors.insert(ours, stored);
                }
                Some(Role::Experts(before, parts)) => {
                    let shape = check_experts(file, name, config, parts.len())?;
                    let (count, halves) = (info.shape[0].unsigned_abs(), parts.len() as u64);
                    for number in 0..count {
                        for (half, after) in parts.iter().enumerate() {
                            let part = Some((number * halves + half as u64, count * halves));
                            let (shape, layout) = (shape.clone(), Layout::SAME);
                            let stored = Stored { name: name.clone(), shape, layout, part };
                            tensors.insert(format!("{before}.{number}.{after}"), stored);
                        }
                    }
                }
                None => {
                    return Err(Error::Unsupported {
                        path: file.files[info.file].clone(),
                        field: "tensors".into(),
                        found: name.clone(),
                        supported: format!("the tensors of {}", architecture.name()),
                    });
                }
            }
        }
        Ok(Self { tensors, left_out })
    }
}

/// The sizes of heads in a configuration that [`hf_config`] has checked.
pub(super) fn heads(config: &Json) -> Heads {
    let size = |field: &str| config[field].as_u64().map(|size| size as usize);
    let delta = || {
        Some(DeltaHeads {
            key_heads: size("linear_num_key_heads")?,
            value_heads: size("linear_num_value_heads")?,
            key_dim: size("linear_key_head_dim")?,
            value_dim: size("linear_value_head_dim")?,
        })
    };
    Heads { dim: size("head_dim").unwrap_or(2), delta: delta() }
}

/// How many rows the tensor `other` has, which belongs to the tensor `name` and must have rows as long.
fn rows_beside(file: &Gguf, name: &str, other: &str) -> Result<i64, Error> {
    let missing =
        || Error::MissingTensor { path: file.path.clone(), name: other.into(), similar: Some(name.into()) };
    let (one, other_info) = (&file.tensors[name], file.tensors.get(other).ok_or_else(missing)?);
    match (one.shape.as_slice(), other_info.shape.as_slice()) {
        (&[_, width], &[rows, found]) if found == width => Ok(rows),
        (one, found) => Err(Error::TensorShape {
            path: file.files[other_info.file].clone(),
            name: other.into(),
            expected: std::iter::once(found.first().copied().unwrap_or(1))
                .chain(one.iter().skip(1).copied())
                .collect(),
            found: found.to_vec(),
        }),
    }
}

/// The shape of one of the `parts` that each expert has in the tensor `name`, which must have as many experts as the configuration.
fn check_experts(file: &Gguf, name: &str, config: &Json, parts: usize) -> Result<Vec<i64>, Error> {
    let info = &file.tensors[name];
    let fields = ["num_experts", "num_local_experts", "n_routed_experts"];
    let count = fields.iter().find_map(|field| config[*field].as_i64());
    let parts = parts as i64;
    match (info.shape.as_slice(), count) {
        (&[found, rows, ref rest @ ..], count)
            if count.is_none_or(|count| count == found) && rows % parts == 0 =>
        {
            Ok(std::iter::once(rows / parts).chain(rest.iter().copied()).collect())
        }
        (found, count) => Err(Error::TensorShape {
            path: file.files[info.file].clone(),
            name: name.into(),
            expected: count.into_iter().chain(found.iter().skip(1).copied()).collect(),
            found: found.to_vec(),
        }),
    }
}
