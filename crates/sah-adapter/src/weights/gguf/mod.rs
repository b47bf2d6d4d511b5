//! Tensors and configuration out of a GGUF file.
//!
//! The format is described in ggml's `docs/gguf.md`. The reader is our own: docs/dependencies.md says why.

mod architecture;
mod config;
mod forms;
mod keys;
mod metadata;
mod reader;
mod rope;
mod split;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod value;

use std::collections::BTreeMap;

use rayon::prelude::*;
use sah_tensor::blocks::{GgmlType, dequantise, type_name};

pub(crate) use architecture::Architecture;
pub(crate) use config::hf_config;
pub use forms::{GgufFiles, GgufForms, gguf_forms};
pub(crate) use metadata::Metadata;
pub(crate) use reader::{Gguf, read_range};
pub(crate) use split::model_stem;

use architecture::{Heads, Order, RowOrder, Rows, Values};
use reader::TensorInfo;
use stored::{Contents, Stored, heads};

use crate::Error;

/// Values that are dequantised at once: a multiple of every type's block.
const CHUNK: usize = 1 << 18;

/// The tensors of a GGUF model under their Hugging Face names and in Hugging Face order.
#[derive(Debug)]
pub(crate) struct GgufWeights {
    pub(crate) file: Gguf,
    architecture: Architecture,
    /// By Hugging Face name.
    tensors: BTreeMap<String, Stored>,
    /// Those of the file that no model here has.
    left_out: Vec<String>,
    /// By which rows change places.
    heads: Heads,
}

impl GgufWeights {
    /// `config` is what [`hf_config`] made of the same file.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a tensor that the architecture does not have, [`Error::Field`] for one of a layer beyond the file's,
    /// [`Error::MissingTensor`] and [`Error::TensorShape`] for one without which another cannot be read, and for other numbers of experts.
    pub(crate) fn new(file: Gguf, config: &serde_json::Value) -> Result<Self, Error> {
        let architecture = Architecture::of(&file)?;
        let heads = heads(config);
        let Contents { tensors, left_out } = Contents::new(&file, architecture, config)?;
        Ok(Self { file, architecture, tensors, left_out, heads })
    }

    /// Shape of the tensor that Hugging Face calls `name`.
    pub(crate) fn shape(&self, name: &str) -> Option<&[i64]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// The Hugging Face names of all tensors.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// What the file would call the tensor `name`.
    pub(crate) fn stored_name(&self, name: &str) -> Option<String> {
        self.architecture.stored_name(name)
    }

    /// The file's names of tensors that no model here has: those of layers that predict further tokens.
    pub(crate) fn left_out(&self) -> Vec<&str> {
        self.left_out.iter().map(String::as_str).collect()
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
        match stored.layout.order {
            Order::Same => {
                let ty = readable(&self.file, &stored.name, info)?;
                let blocks = CHUNK / ty.block_len();
                let step = blocks * ty.block_bytes();
                let (first, length) = stored.bytes(info);
                for (number, start) in (0..length).step_by(step).enumerate() {
                    let count = (length - start).min(step as u64);
                    let bytes = self.file.read_part(info, first + start, count)?;
                    let values = self.undone(stored, dequantise(ty, &bytes))?;
                    take(number * blocks * ty.block_len(), &values)?;
                }
            }
            Order::Transposed => {
                take(0, &transposed(&values(&self.file, &stored.name, info)?, &info.shape))?;
            }
            Order::Rows(order) => {
                let mut all = vec![];
                for source in stored.sources() {
                    all.extend(values(&self.file, &source, &self.file.tensors[&source])?);
                }
                let ordered = self.ordered(stored, order, &all)?;
                take(0, &self.undone(stored, ordered)?)?;
            }
            Order::ValueColumns => {
                let all = values(&self.file, &stored.name, info)?;
                take(0, &self.with_value_columns(stored, &all, 1)?)?;
            }
        }
        Ok(true)
    }

    /// The storage type of the tensor `name`; `None` where there is no such tensor.
    pub(crate) fn storage(&self, name: &str) -> Option<Result<GgmlType, Error>> {
        let stored = self.tensors.get(name)?;
        let of = |source: &str| readable(&self.file, source, &self.file.tensors[source]);
        Some(of(&stored.name).and_then(|ty| {
            let refuse = |found: String, supported: String| {
                let path = self.file.files[self.file.tensors[&stored.name].file].clone();
                Err(Error::StoredType { path, name: name.into(), found, supported })
            };
            for source in stored.sources().iter().skip(1) {
                let other = of(source)?;
                if other != ty {
                    let found = format!("{} in `{}` and {} in `{source}`", ty.name(), stored.name, other.name());
                    return refuse(found, "the same type in both".into());
                }
            }
            let dim = self.heads.delta.map_or(0, |delta| delta.value_dim);
            if stored.layout.order == Order::ValueColumns && !dim.is_multiple_of(ty.block_len()) {
                let found = format!(
                    "{} in blocks of {} inputs, which lie across value heads of {dim} that the file has by turns",
                    ty.name(),
                    ty.block_len()
                );
                return refuse(found, format!("types in blocks that {dim} is a multiple of"));
            }
            Ok(ty)
        }))
    }

    /// The blocks of the matrix `name`, which there must be and whose [`storage`](Self::storage) is one type, row by row in the order of
    /// Hugging Face's outputs.
    pub(crate) fn blocks(&self, name: &str) -> Result<Vec<u8>, Error> {
        let stored = &self.tensors[name];
        let info = &self.file.tensors[&stored.name];
        match stored.layout.order {
            Order::Rows(order) => {
                let mut all = vec![];
                for source in stored.sources() {
                    all.extend(self.file.read(&self.file.tensors[&source])?);
                }
                self.ordered(stored, order, &all)
            }
            Order::ValueColumns => {
                let ty = readable(&self.file, &stored.name, info)?;
                let blocks = self.file.read(info)?;
                let blocks: Vec<&[u8]> = blocks.chunks(ty.block_bytes()).collect();
                Ok(self.with_value_columns(stored, &blocks, ty.block_len())?.concat())
            }
            Order::Same | Order::Transposed => {
                let (first, length) = stored.bytes(info);
                self.file.read_part(info, first, length)
            }
        }
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

    /// `all` rows of a tensor, as many items each, in Hugging Face order. A vector has rows of one value.
    fn ordered<T: Copy>(&self, stored: &Stored, order: RowOrder, all: &[T]) -> Result<Vec<T>, Error> {
        let rows = stored.shape.first().map_or(0, |&rows| rows as usize);
        let allowed = order.rows(&self.heads);
        if !allowed.allow(rows) {
            return Err(self.wrong_size(stored, rows, "rows", &allowed));
        }
        let size = all.len() / rows.max(1);
        let from = |row| order.stored_row(row, &self.heads) * size;
        Ok((0..rows).flat_map(|row| &all[from(row)..from(row) + size]).copied().collect())
    }

    /// `all` columns of a matrix, `block` to an item, with those of each value head in Hugging Face order.
    fn with_value_columns<T: Copy>(&self, stored: &Stored, all: &[T], block: usize) -> Result<Vec<T>, Error> {
        let Some(delta) = self.heads.delta else { return Ok(all.to_vec()) };
        let columns = stored.shape.last().map_or(0, |&columns| columns as usize);
        let allowed = Rows::Exactly(delta.values());
        if !allowed.allow(columns) {
            return Err(self.wrong_size(stored, columns, "columns", &allowed));
        }
        let (items, size) = (columns / block, delta.value_dim / block);
        let from = |item: usize| item / items * items + delta.turn(item % items, size);
        Ok((0..all.len()).map(|item| all[from(item)]).collect())
    }

    /// What Hugging Face has in the place of `values`.
    fn undone(&self, stored: &Stored, mut values: Vec<f32>) -> Result<Vec<f32>, Error> {
        match stored.layout.values {
            Values::Same => {}
            // In f32, as transformers takes it off.
            Values::OneMore => values.iter_mut().for_each(|value| *value -= 1.0),
            Values::MinusExp if values.iter().any(|value| value.is_nan() || *value > 0.0) => {
                return Err(Error::BadFile {
                    path: self.file.files[self.file.tensors[&stored.name].file].clone(),
                    problem: format!("tensor `{}` has values that are not below 0", stored.name),
                    remedy: "convert the model again".into(),
                });
            }
            Values::MinusExp => values.iter_mut().for_each(|value| *value = f64::from(-*value).ln() as f32),
        }
        Ok(values)
    }

    fn wrong_size(&self, stored: &Stored, found: usize, of: &str, expected: &Rows) -> Error {
        Error::BadFile {
            path: self.file.files[self.file.tensors[&stored.name].file].clone(),
            problem: format!("tensor `{}` has {found} {of}, not {expected}", stored.name),
            remedy: "convert the model again".into(),
        }
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
