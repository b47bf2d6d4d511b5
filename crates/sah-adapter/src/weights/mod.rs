//! Tensors of a checkpoint by their Hugging Face names.

mod checks;
pub(crate) mod gguf;
mod hash_attention;
mod matrix;
mod names;
pub(crate) mod quantised;
pub(crate) mod safetensors;
#[cfg(test)]
pub(crate) mod testing;

use std::fmt::Display;
use std::path::Path;

use ::safetensors::Dtype;
use sah_tensor::give_back_freed;
use tch::{Device, Kind, Tensor};

use crate::{Error, Placement, Precision};
pub(crate) use checks::{CheckedWeights, CheckpointForm};
use checks::{Checks, placeholder};
use gguf::GgufWeights;
pub use hash_attention::{HashConversion, convert_hash_attention};
pub(crate) use matrix::Orientation;
use names::StoredNames;
pub(crate) use names::TensorNames;
use quantised::Quantisation;
use safetensors::Safetensors;

/// Bytes of a file that are in memory at once while a tensor is read.
const CHUNK: usize = 1 << 20;

/// The weights of a checkpoint. Nothing is kept in memory: each tensor is read from its file when asked for, in chunks,
/// straight into its final type and place. A memory map would count towards the process's memory until it is dropped.
#[derive(Debug)]
pub(crate) enum Weights {
    Safetensors(Safetensors),
    Gguf(GgufWeights),
}

impl Weights {
    /// The top of the tree of names as the checkpoint has them; tensors come out on the first device, unless their place
    /// says otherwise.
    pub(crate) fn root<'a>(&'a self, placement: &'a Placement, precision: Precision) -> WeightPath<'a> {
        WeightPath {
            weights: self,
            names: StoredNames::SAME,
            mode: Mode::Read,
            prefix: String::new(),
            placement,
            of_layers: &[],
            device: placement.first(),
            part: ModelPart::First,
            precision,
            expert: None,
            quantisation: None,
        }
    }

    /// How many values all tensors have together, those that `quantisation` packs unpacked.
    pub(crate) fn parameters(&self, quantisation: Option<&Quantisation>) -> u64 {
        match self {
            Self::Safetensors(weights) => {
                weights.parameters_where(|dtype| quantisation.map_or(1, |form| form.values_in(dtype)))
            }
            Self::Gguf(weights) => {
                weights.file.tensors.values().map(|info| safetensors::count(&info.shape)).sum()
            }
        }
    }

    /// What an error names: the file, the index or the folder.
    fn path(&self) -> &Path {
        match self {
            Self::Safetensors(weights) => &weights.path,
            Self::Gguf(weights) => &weights.file.path,
        }
    }

    fn missing(&self, name: &str) -> Error {
        let path = self.path().to_owned();
        match self {
            Self::Safetensors(_) if name.ends_with(names::HEAD) => {
                Error::MissingHead { path, name: name.into() }
            }
            Self::Safetensors(weights) => Error::MissingTensor {
                path,
                name: name.into(),
                similar: weights.similar(name).map(str::to_owned),
            },
            Self::Gguf(weights) => {
                let name = weights.stored_name(name).unwrap_or_else(|| name.into());
                Error::MissingTensor { path, name, similar: None }
            }
        }
    }

    /// That there is a tensor `name` of the shape that is `expected`.
    fn check(&self, name: &str, expected: &[i64]) -> Result<(), Error> {
        let (path, found) = match self {
            Self::Safetensors(weights) => {
                let entry = weights.entry(name).ok_or_else(|| self.missing(name))?;
                (weights.file(entry), entry.shape.as_slice())
            }
            Self::Gguf(weights) => {
                (weights.file.path.as_path(), weights.shape(name).ok_or_else(|| self.missing(name))?)
            }
        };
        if found == expected {
            return Ok(());
        }
        Err(Error::TensorShape {
            path: path.to_owned(),
            name: name.into(),
            expected: expected.to_vec(),
            found: found.to_vec(),
        })
    }

    /// That the tensor `name`, which is there, is stored in a type that can be read.
    fn check_type(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Safetensors(weights) => weights.entry(name).map_or(Ok(()), |entry| {
                stored_kind(weights, name, entry)?;
                Ok(())
            }),
            // All types of the format are known, or the file was refused.
            Self::Gguf(_) => Ok(()),
        }
    }

    /// Puts the tensor `name`, whose shape has been checked, into `place`, which is contiguous and of that shape.
    /// With `number`: one of the parts that the first dimension of the tensor counts.
    fn read_into(&self, place: &Tensor, name: &str, number: Option<i64>) -> Result<(), Error> {
        let flat = place.f_view([-1])?;
        let fill = |first: usize, part: &Tensor| {
            flat.f_narrow(0, first as i64, part.size()[0])?.f_copy_(part)?;
            Ok(())
        };
        match self {
            Self::Safetensors(weights) => {
                let entry = weights.entry(name).ok_or_else(|| self.missing(name))?;
                let stored = stored_kind(weights, name, entry)?;
                let size = stored.elt_size_in_bytes();
                weights.read_chunks(entry, number, CHUNK / size * size, |offset, bytes| {
                    let count = (bytes.len() / size) as i64;
                    fill(offset / size, &Tensor::f_from_data_size(bytes, &[count], stored)?)
                })
            }
            Self::Gguf(weights) => {
                weights.read_chunks(name, |first, values| fill(first, &Tensor::f_from_slice(values)?))?;
                Ok(())
            }
        }
    }
}

/// The kind in which a tensor is stored.
fn stored_kind(weights: &Safetensors, name: &str, entry: &safetensors::Entry) -> Result<Kind, Error> {
    match entry.dtype {
        Dtype::F32 => Ok(Kind::Float),
        Dtype::F16 => Ok(Kind::Half),
        Dtype::BF16 => Ok(Kind::BFloat16),
        other => Err(Error::TensorType {
            path: weights.file(entry).to_owned(),
            name: name.into(),
            found: format!("{other:?}"),
            supported: "F32, F16, BF16".into(),
        }),
    }
}

/// What becomes of a tensor that is asked for.
#[derive(Clone, Copy, Debug)]
enum Mode<'a> {
    Read,
    /// It is looked up, and something that stands for it is given.
    Check(&'a Checks),
}

/// What of a model a tensor belongs to.
#[derive(Clone, Copy, Debug)]
enum ModelPart {
    /// What comes before the layers.
    First,
    Layer(usize),
    /// What comes after them.
    Last,
}

/// A place in the tree of tensor names.
#[derive(Clone, Debug)]
pub(crate) struct WeightPath<'a> {
    weights: &'a Weights,
    /// How the checkpoint calls what is asked for.
    names: StoredNames,
    mode: Mode<'a>,
    prefix: String,
    placement: &'a Placement,
    /// Where each layer is; all are on the first device where there are none.
    of_layers: &'a [Device],
    device: Device,
    part: ModelPart,
    precision: Precision,
    /// The expert whose part of the tensors of all experts is asked for, and how many there are.
    expert: Option<(i64, i64)>,
    quantisation: Option<&'a Quantisation>,
}

impl WeightPath<'_> {
    /// One or more levels down: `pp("model.layers")`, `pp(layer)`.
    pub(crate) fn pp(&self, name: impl Display) -> Self {
        Self { prefix: self.full_name(name), ..self.clone() }
    }

    /// What `load` makes of each of `count` layers below this place, each on its own device. What reading one of them left free is given back:
    /// the holes that it leaves between weights would add up.
    pub(crate) fn layers<T>(
        &self,
        count: usize,
        load: impl Fn(&Self, usize) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let load = |layer| {
            let loaded = load(&self.layer(layer), layer)?;
            if matches!(self.mode, Mode::Read) {
                give_back_freed();
            }
            Ok(loaded)
        };
        (0..count).map(load).collect()
    }

    fn layer(&self, layer: usize) -> Self {
        let device = self.of_layers.get(layer).copied().unwrap_or(self.placement.first());
        Self { device, part: ModelPart::Layer(layer), ..self.pp(layer) }
    }

    /// This place as a tensor of all `count` experts, of which the part of one is asked for: the place itself is its `weight`, and with
    /// `_bias` after its name its `bias`.
    pub(crate) fn of_expert(&self, number: i64, count: i64) -> Self {
        Self { expert: Some((number, count)), ..self.clone() }
    }

    /// Where tensors come out.
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// The kind of activations here, and of all tensors but matrices.
    pub(crate) fn kind(&self) -> Kind {
        self.precision.kind
    }

    /// This place, with tensors in f32.
    pub(crate) fn in_f32(&self) -> Self {
        Self { precision: Precision { kind: Kind::Float, ..self.precision }, ..self.clone() }
    }

    /// This place on the last device: what comes after all layers.
    pub(crate) fn on_last(&self) -> Self {
        Self { device: self.placement.last(), part: ModelPart::Last, ..self.clone() }
    }

    /// The tensor `name` below this place, which must have `shape`.
    pub(crate) fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor, Error> {
        let name = self.stored_name(name);
        let stored = self.of_all(shape);
        match self.mode {
            Mode::Read => {
                self.weights.check(&name, &stored)?;
                let tensor = Tensor::f_empty(shape, (self.precision.kind, self.device))?;
                self.weights.read_into(&tensor, &name, self.expert_number())?;
                Ok(tensor)
            }
            Mode::Check(checks) => {
                let found = self.weights.check(&name, &stored).and_then(|()| self.weights.check_type(&name));
                checks.ask(&name, found)?;
                let size = self.precision.kind.elt_size_in_bytes() as u64;
                checks.keep(self.part, size * safetensors::count(shape));
                placeholder(shape, self.precision.kind)
            }
        }
    }

    /// In a check: that so many bytes of what was read elsewhere are needed here too.
    pub(crate) fn keep_copy(&self, bytes: u64) {
        if let Mode::Check(checks) = self.mode {
            checks.keep(self.part, bytes);
        }
    }

    /// Whether there is a tensor `name` below this place.
    pub(crate) fn has(&self, name: &str) -> bool {
        let name = self.stored_name(name);
        match self.weights {
            Weights::Safetensors(weights) => weights.entry(&name).is_some(),
            Weights::Gguf(weights) => weights.shape(&name).is_some(),
        }
    }

    /// The checkpoint's name of the tensor `name` below this place.
    fn stored_name(&self, name: &str) -> String {
        let full = match (self.expert, name) {
            (None, _) => self.full_name(name),
            (Some(_), "weight") => self.prefix.clone(),
            (Some(_), _) => format!("{}_{name}", self.prefix),
        };
        self.names.stored(&full)
    }

    /// The shape of a tensor of which one of `shape` is asked for.
    fn of_all(&self, shape: &[i64]) -> Vec<i64> {
        self.expert.map(|(_, count)| count).into_iter().chain(shape.iter().copied()).collect()
    }

    fn expert_number(&self) -> Option<i64> {
        self.expert.map(|(number, _)| number)
    }

    fn full_name(&self, name: impl Display) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }
}
