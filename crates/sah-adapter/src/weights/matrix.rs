//! Matrices out of a checkpoint, in the form in which they are to be kept.

use std::path::Path;
use std::rc::Rc;

use ::safetensors::Dtype;
use sah_tensor::blocks::{Blocks, GgmlType};
use sah_tensor::torch::Matrix;
use tch::{Kind, Tensor};

use super::gguf::GgufWeights;
use super::quantised::{Place, QuantisedMatrix};
use super::{Mode, WeightPath, Weights, placeholder};
use crate::{Error, WeightStorage};

/// How the checkpoint has the values of a matrix `[outputs, inputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// As `[outputs, inputs]`.
    Outputs,
    /// As `[inputs, outputs]`: the `Conv1D` of GPT-2.
    Inputs,
    /// As `[inputs, outputs]`, every second of which is one of the second half: the gates and ups of gpt-oss.
    InputsByTurns,
}

/// How a matrix is to be kept.
#[derive(Clone, Copy)]
enum Form<'a> {
    Dense(Kind),
    /// As the file has it.
    Blocks(GgmlType, &'a GgufWeights),
    /// The bits of a quantised matrix.
    Packed,
}

impl Form<'_> {
    fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Dense(kind), Self::Dense(other)) => kind == other,
            (Self::Blocks(ty, _), Self::Blocks(other, _)) => ty == other,
            (Self::Packed, Self::Packed) => true,
            _ => false,
        }
    }
}

/// A matrix that is going to be read, one of those that are stacked.
struct Part<'a> {
    path: &'a WeightPath<'a>,
    name: String,
    outputs: i64,
    inputs: i64,
    orientation: Orientation,
    form: Form<'a>,
    /// What it is expanded from, where it is not stored as it is: `[outputs, inputs]` whatever the orientation.
    quantised: Option<Box<dyn QuantisedMatrix + 'a>>,
}

impl Part<'_> {
    /// Reads it into `place`, `[outputs, inputs]`.
    fn read_into(&self, place: &Tensor) -> Result<(), Error> {
        let weights = self.path.weights;
        let stored = match (&self.quantised, self.orientation) {
            (Some(quantised), _) => quantised.expand()?,
            (None, Orientation::Outputs) => {
                return weights.read_into(place, &self.name, self.path.expert_number());
            }
            (None, Orientation::Inputs | Orientation::InputsByTurns) => {
                let stored = Tensor::f_empty([self.inputs, self.outputs], (place.kind(), place.device()))?;
                weights.read_into(&stored, &self.name, self.path.expert_number())?;
                stored.f_transpose(0, 1)?
            }
        };
        let mut place = place.shallow_clone();
        match self.orientation {
            Orientation::InputsByTurns => {
                let half = self.outputs / 2;
                for (number, mut place) in
                    [place.f_narrow(0, 0, half)?, place.f_narrow(0, half, half)?].into_iter().enumerate()
                {
                    place.f_copy_(&stored.f_slice(0, number as i64, None, 2)?)?;
                }
            }
            Orientation::Outputs | Orientation::Inputs => place.f_copy_(&stored)?,
        }
        Ok(())
    }
}

impl Part<'_> {
    /// The bits of its values, where it is quantised.
    fn pack(&self) -> Option<Result<Blocks, Error>> {
        let quantised = self.quantised.as_ref()?;
        Some(quantised.pack().map(|blocks| match self.orientation {
            Orientation::InputsByTurns => {
                let half = blocks.rows() / 2;
                blocks.with_rows(|row| if row < half { 2 * row } else { 2 * (row - half) + 1 })
            }
            Orientation::Outputs | Orientation::Inputs => blocks,
        }))
    }
}

/// One above another, each read to where it stays: what is moved later leaves holes in the process's memory.
fn stacked(parts: &[Part<'_>], kind: Kind) -> Result<Tensor, Error> {
    let outputs = parts.iter().map(|part| part.outputs).sum();
    let whole = Tensor::f_empty([outputs, parts[0].inputs], (kind, parts[0].path.device))?;
    let mut above = 0;
    for part in parts {
        part.read_into(&whole.f_narrow(0, above, part.outputs)?)?;
        above += part.outputs;
    }
    Ok(whole)
}

/// The bits of quantised matrices, in one piece where they are packed alike.
fn packed(parts: &[Part<'_>]) -> Result<Vec<Matrix>, Error> {
    let blocks = match Blocks::stacked(parts.iter().filter_map(Part::pack).collect::<Result<_, _>>()?) {
        Ok(whole) => vec![whole],
        Err(apart) => apart,
    };
    Ok(blocks.into_iter().map(|blocks| Matrix::Blocks(Rc::new(blocks))).collect())
}

/// The same of blocks.
fn stacked_blocks(parts: &[Part<'_>], ty: GgmlType, weights: &GgufWeights) -> Result<Blocks, Error> {
    let mut bytes = vec![];
    for part in parts {
        bytes.extend_from_slice(&weights.blocks(&part.name)?);
    }
    Blocks::pack(ty, parts[0].inputs as usize, &bytes).ok_or_else(|| Error::BadFile {
        path: parts[0].path.weights.path().to_owned(),
        problem: format!(
            "`{}`, or what is stacked on it, has a scale that is no finite number",
            parts[0].name
        ),
        remedy: "fetch the file again".into(),
    })
}

impl WeightPath<'_> {
    /// The tensors `weight` at `paths`, matrices of as many outputs as are given and `inputs` inputs, one above another:
    /// in one piece as far as they are kept in the same form.
    pub(crate) fn matrices(
        parts: &[(Self, i64)],
        inputs: i64,
        orientation: Orientation,
    ) -> Result<Vec<Matrix>, Error> {
        if let Some((Self { mode: Mode::Check(_), precision, .. }, _)) = parts.first() {
            for (path, outputs) in parts {
                path.check_part([*outputs, inputs], orientation)?;
            }
            let outputs = parts.iter().map(|(_, outputs)| outputs).sum();
            return Ok(vec![Matrix::Dense(placeholder(&[outputs, inputs], precision.kind)?)]);
        }
        let parts: Vec<Part<'_>> = parts
            .iter()
            .map(|(path, outputs)| path.part([*outputs, inputs], orientation))
            .collect::<Result<_, _>>()?;
        let chunks = parts.chunk_by(|above, below| above.form.is_same(below.form)).map(|parts| {
            Ok(match parts[0].form {
                Form::Dense(kind) => vec![Matrix::packed(stacked(parts, kind)?)?],
                Form::Blocks(ty, weights) => {
                    vec![Matrix::Blocks(Rc::new(stacked_blocks(parts, ty, weights)?))]
                }
                Form::Packed => packed(parts)?,
            })
        });
        Ok(chunks.collect::<Result<Vec<Vec<Matrix>>, Error>>()?.into_iter().flatten().collect())
    }

    /// The tensor `weight` below this place, `[outputs, inputs]`.
    pub(crate) fn matrix(&self, shape: [i64; 2]) -> Result<Matrix, Error> {
        let mut one = Self::matrices(&[(self.clone(), shape[0])], shape[1], Orientation::Outputs)?;
        Ok(one.remove(0))
    }

    fn check_part(&self, shape: [i64; 2], orientation: Orientation) -> Result<(), Error> {
        let Mode::Check(checks) = self.mode else { return Ok(()) };
        let name = self.stored_name("weight");
        let found = self.part(shape, orientation).and_then(|part| {
            checks.keep(self.part, self.kept_bytes(&part));
            let Some(quantised) = &part.quantised else { return self.weights.check_type(&name) };
            quantised.names().into_iter().try_for_each(|name| checks.ask(name, Ok(())))
        });
        checks.ask(&name, found)
    }

    /// Bytes of a matrix in memory; what is packed takes hardly more than in the file.
    fn kept_bytes(&self, part: &Part<'_>) -> u64 {
        let values = part.outputs.unsigned_abs() * part.inputs.unsigned_abs();
        match (part.form, self.weights, &part.quantised) {
            (Form::Dense(kind), ..) => values * kind.elt_size_in_bytes() as u64,
            (Form::Blocks(ty, _), ..) => values / ty.block_len() as u64 * ty.block_bytes() as u64,
            (Form::Packed, Weights::Safetensors(weights), Some(quantised)) => {
                let stored = quantised.names().into_iter().filter_map(|name| weights.entry(name));
                let count = self.expert.map_or(1, |(_, count)| count.unsigned_abs().max(1));
                stored.map(|entry| entry.bytes / count).sum()
            }
            (Form::Packed, ..) => 0,
        }
    }

    fn part(&self, [outputs, inputs]: [i64; 2], orientation: Orientation) -> Result<Part<'_>, Error> {
        let name = self.stored_name("weight");
        let stored = match orientation {
            Orientation::Outputs => [outputs, inputs],
            Orientation::Inputs | Orientation::InputsByTurns => [inputs, outputs],
        };
        let quantised = self.quantised([outputs, inputs], &name)?;
        let form = match self.precision.weights {
            WeightStorage::Expanded => Form::Dense(self.precision.kind),
            WeightStorage::Bf16 => Form::Dense(Kind::BFloat16),
            WeightStorage::Stored => match &quantised {
                None => self.stored_as(&name)?,
                Some(matrix) if matrix.can_be_packed() => Form::Packed,
                Some(matrix) => {
                    return Err(Error::StoredType {
                        path: self.weights.path().to_owned(),
                        name: matrix.names().first().map_or(name.as_str(), |name| *name).into(),
                        found: "a quantised form without a product of its own".into(),
                        supported:
                            "E4M3, MXFP4, and 4 bits in groups of multiples of 32 inputs that are in order"
                                .into(),
                    });
                }
            },
        };
        if quantised.is_none() {
            self.weights.check(&name, &self.of_all(&stored))?;
        }
        Ok(Part { path: self, name, outputs, inputs, orientation, form, quantised })
    }

    /// The matrix `[outputs, inputs]` whose weight is called `name`, where the checkpoint has it quantised.
    fn quantised(&self, shape: [i64; 2], name: &str) -> Result<Option<Box<dyn QuantisedMatrix + '_>>, Error> {
        let (Some(quantisation), Weights::Safetensors(weights)) = (self.quantisation, self.weights) else {
            return Ok(None);
        };
        let module = name.strip_suffix(".weight").unwrap_or(name).to_owned();
        quantisation.matrix(Place { weights, module, expert: self.expert }, shape)
    }

    /// How the tensor `name` is stored, if matrices can be kept so.
    fn stored_as(&self, name: &str) -> Result<Form<'_>, Error> {
        // libtorch has products of f16 with f16 only.
        let takes_f16 = self.precision.kind == Kind::Half;
        let refuse = |path: &Path, found: String| {
            let f16 = if takes_f16 { "F16, " } else { "" };
            Err(Error::StoredType {
                path: path.to_owned(),
                name: name.into(),
                found,
                supported: format!("F32, BF16, {f16}{}", Blocks::SUPPORTED),
            })
        };
        match self.weights {
            Weights::Safetensors(weights) => match weights.entry(name) {
                Some(entry) => match entry.dtype {
                    Dtype::F32 => Ok(Form::Dense(Kind::Float)),
                    Dtype::BF16 => Ok(Form::Dense(Kind::BFloat16)),
                    Dtype::F16 if takes_f16 => Ok(Form::Dense(Kind::Half)),
                    other => refuse(weights.file(entry), format!("{other:?}")),
                },
                None => Err(self.weights.missing(name)),
            },
            Weights::Gguf(weights) => match weights.storage(name) {
                Some(ty) => match ty? {
                    GgmlType::F32 => Ok(Form::Dense(Kind::Float)),
                    GgmlType::Bf16 => Ok(Form::Dense(Kind::BFloat16)),
                    GgmlType::F16 if takes_f16 => Ok(Form::Dense(Kind::Half)),
                    ty if Blocks::can_hold(ty) => Ok(Form::Blocks(ty, weights)),
                    other => refuse(&weights.file.path, other.name()),
                },
                None => Err(self.weights.missing(name)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use serde_json::json;
    use tch::{Device, Kind};

    use super::*;
    use crate::Precision;
    use crate::weights::gguf::testing::{Builder, open};

    /// `rows` blocks of `Q8_0` (raw type 8) with scale 1, all quants of row r being r.
    fn q8_0(rows: u8) -> Vec<u8> {
        let row = |row: u8| f16::ONE.to_le_bytes().into_iter().chain([row; 32]);
        (0..rows).flat_map(row).collect()
    }

    fn llama() -> Builder {
        Builder::new().string("general.architecture", "llama")
    }

    /// What `--weights` gives for the projections `names` of layer 0, of 4 outputs and 32 inputs each.
    fn load(builder: Builder, weights: WeightStorage, names: &[&str]) -> Result<Vec<Matrix>, Error> {
        let (_folder, file) = open(builder);
        let weights_of = Weights::Gguf(GgufWeights::new(file, &json!({ "head_dim": 4 })).unwrap());
        let placement = Device::Cpu.into();
        let root = weights_of.root(&placement, Precision::from(Kind::Float).with_weights(weights));
        let layer = root.pp("model.layers.0.self_attn");
        let parts: Vec<_> = names.iter().map(|name| (layer.pp(name), 4)).collect();
        WeightPath::matrices(&parts, 32, Orientation::Outputs)
    }

    #[test]
    fn parts_of_one_form_are_stacked_and_rows_come_in_the_order_of_hugging_face() {
        let file = || {
            llama()
                .tensor("blk.0.attn_q.weight", 8, &[4, 32], &q8_0(4))
                .tensor("blk.0.attn_k.weight", 8, &[4, 32], &q8_0(4))
                .tensor("blk.0.attn_v.weight", 0, &[4, 32], &[0; 4 * 32 * 4])
        };
        let names = ["q_proj", "k_proj", "v_proj"];
        let stored = load(file(), WeightStorage::Stored, &names).unwrap();
        assert!(matches!(stored.as_slice(), [Matrix::Blocks(_), Matrix::Packed(_)]), "{stored:?}");
        assert_eq!(stored.iter().map(Matrix::outputs).collect::<Vec<_>>(), [8, 4]);
        let expanded = load(file(), WeightStorage::Expanded, &names).unwrap();
        let [expanded @ Matrix::Packed(_)] = expanded.as_slice() else { panic!("{expanded:?}") };
        let expanded = expanded.expanded(Kind::Float).unwrap();
        let both = Tensor::cat(&[0, 1].map(|i| stored[i].expanded(Kind::Float).unwrap()), 0);
        assert!(both.equal(&expanded));
        // Rotary pairs are neighbours in the file.
        let first: Vec<f32> = Vec::try_from(expanded.select(1, 0)).unwrap();
        assert_eq!(first[..8], [0.0, 2.0, 1.0, 3.0, 0.0, 2.0, 1.0, 3.0]);
        let halves = load(file(), WeightStorage::Bf16, &names).unwrap();
        let [halves @ Matrix::Packed(_)] = halves.as_slice() else { panic!("{halves:?}") };
        assert_eq!(halves.bytes(), 16 * 32 * 2, "whole panels of two bytes a value");
        assert!(halves.expanded(Kind::Float).unwrap().equal(&expanded));
    }

    #[test]
    fn what_cannot_be_kept_names_tensor_type_and_remedy() {
        let check = |raw_type: u32, data: &[u8], part: &str| {
            let file = llama().tensor("blk.0.attn_v.weight", raw_type, &[4, 32], data);
            let error = load(file, WeightStorage::Stored, &["v_proj"]).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("v_proj.weight"), "{error}");
        };
        check(
            1,
            &[0; 4 * 32 * 2],
            "is stored as F16, which cannot be kept as it is; those that can: F32, BF16, Q4_0",
        );
        let mut infinite = q8_0(4);
        infinite[34 + 1] = 0x7C;
        check(8, &infinite, "has a scale that is no finite number; fetch the file again");
        let file = llama().tensor("blk.0.attn_v.weight", 8, &[2, 32], &q8_0(2));
        let error = load(file, WeightStorage::Stored, &["v_proj"]).unwrap_err().to_string();
        assert!(error.contains("has shape [2, 32], but the config implies [4, 32]"), "{error}");
        let error = load(llama(), WeightStorage::Stored, &["v_proj"]).unwrap_err().to_string();
        assert!(error.contains("has no tensor `blk.0.attn_v.weight`"), "{error}");
    }
}
