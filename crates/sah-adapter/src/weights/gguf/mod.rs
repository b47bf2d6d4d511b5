//! Tensors and configuration out of a GGUF file.
//!
//! The format is described in ggml's `docs/gguf.md`. The reader is our own: docs/dependencies.md says why.

mod architecture;
mod config;
mod keys;
mod metadata;
mod reader;
mod rope;
mod split;
#[cfg(test)]
pub(crate) mod testing;
mod value;

use std::collections::BTreeMap;

use rayon::prelude::*;
use sah_tensor::blocks::{GgmlType, dequantise, type_name};

pub(crate) use architecture::Architecture;
pub(crate) use config::hf_config;
pub(crate) use metadata::Metadata;
pub(crate) use reader::{Gguf, read_range};
pub(crate) use split::model_stem;

use architecture::{Layout, Role, stored_row};
use reader::TensorInfo;

use crate::Error;

/// Values that are dequantised at once: a multiple of every type's block.
const CHUNK: usize = 1 << 18;

/// The tensors of a GGUF model under their Hugging Face names and in Hugging Face order.
#[derive(Debug)]
pub(crate) struct GgufWeights {
    pub(crate) file: Gguf,
    /// By Hugging Face name.
    tensors: BTreeMap<String, Stored>,
    /// Rows of one query or key head, for undoing the converters' permutation.
    head_dim: usize,
}

/// A tensor in the file, seen from Hugging Face.
#[derive(Debug)]
struct Stored {
    /// Its name in the file.
    name: String,
    /// Its shape in Hugging Face form.
    shape: Vec<i64>,
    layout: Layout,
    /// Which part of it, and of how many that lie one after another.
    part: Option<(u64, u64)>,
}

impl Stored {
    /// Where its bytes begin among those of the file's tensor, and how many they are: whole rows, which consist of whole blocks.
    fn bytes(&self, info: &TensorInfo) -> (u64, u64) {
        match self.part {
            None => (0, info.bytes),
            Some((number, count)) => (info.bytes / count * number, info.bytes / count),
        }
    }
}

impl GgufWeights {
    /// `config` is what [`hf_config`] made of the same file.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a tensor that the architecture does not have.
    pub(crate) fn new(file: Gguf, config: &serde_json::Value) -> Result<Self, Error> {
        let architecture = Architecture::of(&file)?;
        let mut tensors = BTreeMap::new();
        for (name, info) in &file.tensors {
            match architecture.role(name) {
                Some(Role::Rope) => {}
                Some(Role::Weight(ours, layout)) => {
                    let mut shape = info.shape.clone();
                    match layout {
                        Layout::Transposed => shape.reverse(),
                        Layout::Row => shape.insert(0, 1),
                        _ => {}
                    }
                    tensors.insert(ours, Stored { name: name.clone(), shape, layout, part: None });
                }
                Some(Role::Experts(before, after)) => {
                    let (count, shape) = info.shape.split_first().unwrap_or((&0, &[]));
                    for number in 0..count.unsigned_abs() {
                        let part = Some((number, count.unsigned_abs()));
                        let stored =
                            Stored { name: name.clone(), shape: shape.to_vec(), layout: Layout::Same, part };
                        tensors.insert(format!("{before}.{number}.{after}"), stored);
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
        // `hf_config` has checked it where it is used: an even number above 0.
        let head_dim = config["head_dim"].as_u64().unwrap_or(2) as usize;
        Ok(Self { file, tensors, head_dim })
    }

    /// Shape of the tensor that Hugging Face calls `name`.
    pub(crate) fn shape(&self, name: &str) -> Option<&[i64]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// Hands the values of the tensor `name`, row after row, to `take` in pieces, each with the number of its first value.
    /// False where there is no such tensor.
    pub(crate) fn read_chunks(
        &self,
        name: &str,
        mut take: impl FnMut(usize, &[f32]) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let Some(stored) = self.tensors.get(name) else { return Ok(false) };
        let info = &self.file.tensors[&stored.name];
        match stored.layout {
            Layout::Permuted => take(0, &self.unpermuted(&stored.name, info)?)?,
            Layout::Transposed => {
                take(0, &transposed(&values(&self.file, &stored.name, info)?, &info.shape))?;
            }
            Layout::Same | Layout::Row | Layout::OneMore => {
                let ty = readable(&self.file, &stored.name, info)?;
                let blocks = CHUNK / ty.block_len();
                let step = blocks * ty.block_bytes();
                let (first, length) = stored.bytes(info);
                for (number, start) in (0..length).step_by(step).enumerate() {
                    let count = (length - start).min(step as u64);
                    let bytes = self.file.read_part(info, first + start, count)?;
                    let mut values = dequantise(ty, &bytes);
                    if stored.layout == Layout::OneMore {
                        // In f32, as transformers takes it off.
                        for value in &mut values {
                            *value -= 1.0;
                        }
                    }
                    take(number * blocks * ty.block_len(), &values)?;
                }
            }
        }
        Ok(true)
    }

    /// The storage type of the tensor `name`; `None` where there is no such tensor.
    pub(crate) fn storage(&self, name: &str) -> Option<Result<GgmlType, Error>> {
        let stored = self.tensors.get(name)?;
        Some(readable(&self.file, &stored.name, &self.file.tensors[&stored.name]))
    }

    /// The blocks of the matrix `name`, which there must be, row by row in the order of Hugging Face's outputs.
    pub(crate) fn blocks(&self, name: &str) -> Result<Vec<u8>, Error> {
        let stored = &self.tensors[name];
        let info = &self.file.tensors[&stored.name];
        if stored.layout == Layout::Permuted {
            return self.reordered(&stored.name, info);
        }
        let (first, length) = stored.bytes(info);
        self.file.read_part(info, first, length)
    }

    /// All values of the tensor `name`; `None` where there is no such tensor.
    #[cfg(test)]
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<f32>>, Error> {
        let mut all = vec![];
        let found = self.read_chunks(name, |first, values| {
            assert_eq!(first, all.len());
            all.extend_from_slice(values);
            Ok(())
        })?;
        Ok(found.then_some(all))
    }

    /// Values of a query or key projection with its rows in Hugging Face order.
    fn unpermuted(&self, stored: &str, info: &TensorInfo) -> Result<Vec<f32>, Error> {
        let ty = readable(&self.file, stored, info)?;
        Ok(dequantise(ty, &self.reordered(stored, info)?))
    }

    /// The same as they are in the file: rows consist of whole blocks (the reader checked it). A bias has one value a row.
    fn reordered(&self, stored: &str, info: &TensorInfo) -> Result<Vec<u8>, Error> {
        let rows = info.shape.first().map_or(0, |&rows| rows as usize);
        if !rows.is_multiple_of(self.head_dim) {
            return Err(Error::BadFile {
                path: self.file.files[info.file].clone(),
                problem: format!(
                    "tensor `{stored}` has {rows} rows, no multiple of a head's {}",
                    self.head_dim
                ),
                remedy: "convert the model again".into(),
            });
        }
        let bytes = self.file.read(info)?;
        let row_bytes = bytes.len() / rows.max(1);
        Ok((0..rows)
            .flat_map(|row| {
                let from = stored_row(row, self.head_dim) * row_bytes;
                &bytes[from..from + row_bytes]
            })
            .copied()
            .collect())
    }
}

/// A matrix `[rows, columns]` as `[columns, rows]`; anything else as it is.
fn transposed(values: &[f32], shape: &[i64]) -> Vec<f32> {
    let &[rows, columns] = shape else { return values.to_vec() };
    let (rows, columns) = (rows as usize, columns as usize);
    let mut turned = vec![0.0; values.len()];
    turned.par_chunks_mut(rows.max(1)).enumerate().for_each(|(column, turned)| {
        for (row, value) in turned.iter_mut().enumerate() {
            *value = values[row * columns + column];
        }
    });
    turned
}

fn readable(file: &Gguf, stored: &str, info: &TensorInfo) -> Result<GgmlType, Error> {
    GgmlType::from_raw(info.raw_type).ok_or_else(|| Error::TensorType {
        path: file.files[info.file].clone(),
        name: stored.into(),
        found: type_name(info.raw_type),
        supported: GgmlType::SUPPORTED.into(),
    })
}

/// Values of a tensor in the order of the file.
fn values(file: &Gguf, stored: &str, info: &TensorInfo) -> Result<Vec<f32>, Error> {
    let ty = readable(file, stored, info)?;
    Ok(dequantise(ty, &file.read(info)?))
}

#[cfg(test)]
mod tests;
