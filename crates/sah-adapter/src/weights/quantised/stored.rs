//! The tensors of a quantised matrix, checked when they are found.

use safetensors::Dtype;
use tch::{Kind, Tensor};

use super::Place;
use crate::Error;
use crate::weights::CHUNK;
use crate::weights::safetensors::{Entry, Safetensors};

/// A matrix `[outputs, inputs]` whose tensors are looked for.
#[derive(Debug)]
pub(super) struct Module<'a> {
    place: Place<'a>,
    pub(super) outputs: i64,
    pub(super) inputs: i64,
}

/// A tensor as it is stored, or one expert's part of it.
#[derive(Debug)]
pub(super) struct Stored<'a> {
    weights: &'a Safetensors,
    pub(super) name: String,
    entry: &'a Entry,
    expert: Option<i64>,
    /// Of the part.
    pub(super) shape: Vec<i64>,
}

impl<'a> Module<'a> {
    pub(super) fn new(place: Place<'a>, [outputs, inputs]: [i64; 2]) -> Self {
        Self { place, outputs, inputs }
    }

    /// The tensor `suffix` of the module, where there is one.
    pub(super) fn find(&self, suffix: &str) -> Option<Stored<'a>> {
        let Place { weights, module, expert } = &self.place;
        let name = match expert {
            None => format!("{module}.{suffix}"),
            Some(_) => format!("{module}_{suffix}"),
        };
        let (weights, expert) = (*weights, *expert);
        let entry = weights.entry(&name)?;
        let shape = if expert.is_some() { entry.shape.get(1..).unwrap_or_default() } else { &entry.shape };
        let (expert, shape) = (expert.map(|(number, _)| number), shape.to_vec());
        Some(Stored { weights, name, entry, expert, shape })
    }

    /// The same, which there must be, in one of `types` and of one of the shapes that are `expected`.
    pub(super) fn tensor(
        &self,
        suffix: &str,
        types: &[Dtype],
        expected: &[&[i64]],
    ) -> Result<Stored<'a>, Error> {
        let Place { weights, module, expert } = &self.place;
        let Some(found) = self.find(suffix) else {
            let name = format!("{module}{}{suffix}", if expert.is_some() { "_" } else { "." });
            return Err(Error::MissingTensor { path: weights.path.clone(), name, similar: None });
        };
        if !types.contains(&found.entry.dtype) {
            return Err(found.wrong_type(types));
        }
        let is_of_all = expert.is_none_or(|(_, count)| found.entry.shape.first() == Some(&count));
        if !(is_of_all && expected.contains(&found.shape.as_slice())) {
            let all = expert.map(|(_, count)| count);
            let expected = all.into_iter().chain(expected[0].iter().copied()).collect();
            return Err(found.wrong_shape(expected));
        }
        Ok(found)
    }

    /// Fails for a form that there is no way to expand.
    pub(super) fn unsupported(&self, what: &str, found: impl std::fmt::Display, supported: &str) -> Error {
        Error::Unsupported {
            path: self.place.weights.path.clone(),
            field: format!("{what} of {}", self.place.module),
            found: found.to_string(),
            supported: supported.to_owned(),
        }
    }
}

impl Stored<'_> {
    pub(super) fn dtype(&self) -> Dtype {
        self.entry.dtype
    }

    /// The numbers, in the kind in which they are stored.
    pub(super) fn read(&self) -> Result<Tensor, Error> {
        let bytes = self.bytes()?;
        let kind = match self.entry.dtype {
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::F8_E4M3 => Kind::Float8e4m3fn,
            Dtype::I8 => Kind::Int8,
            Dtype::I32 => Kind::Int,
            Dtype::I64 => Kind::Int64,
            _ => Kind::Uint8,
        };
        Ok(Tensor::f_from_data_size(&bytes, &self.shape, kind)?)
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, Error> {
        let count = self.expert.map_or(1, |_| self.entry.shape[0].unsigned_abs().max(1));
        let mut all = Vec::with_capacity((self.entry.bytes / count) as usize);
        self.weights.read_chunks(self.entry, self.expert, CHUNK, |_, bytes| {
            all.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(all)
    }

    fn wrong_type(&self, types: &[Dtype]) -> Error {
        Error::TensorType {
            path: self.weights.file(self.entry).to_owned(),
            name: self.name.clone(),
            found: format!("{:?}", self.entry.dtype),
            supported: types.iter().map(|ty| format!("{ty:?}")).collect::<Vec<_>>().join(", "),
        }
    }

    fn wrong_shape(&self, expected: Vec<i64>) -> Error {
        Error::TensorShape {
            path: self.weights.file(self.entry).to_owned(),
            name: self.name.clone(),
            expected,
            found: self.entry.shape.clone(),
        }
    }

    /// Fails for contents that no library writes.
    pub(super) fn bad(&self, problem: &str) -> Error {
        Error::BadFile {
            path: self.weights.file(self.entry).to_owned(),
            problem: format!("tensor `{}` {problem}", self.name),
            remedy: "fetch the file again".into(),
        }
    }
}

/// The types of scales.
pub(super) const FLOATS: [Dtype; 3] = [Dtype::F16, Dtype::BF16, Dtype::F32];
