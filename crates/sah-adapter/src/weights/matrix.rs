//! Matrices out of a checkpoint, in the form in which they are to be kept.

use std::path::Path;
use std::rc::Rc;

use ::safetensors::Dtype;
use tch::{Kind, Tensor};

use super::gguf::{GgmlType, GgufWeights};
use super::{WeightPath, Weights};
use crate::matrix::{Blocks, Matrix};
use crate::{Error, WeightStorage};

/// How the checkpoint has the values of a matrix `[outputs, inputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// As `[outputs, inputs]`.
    Outputs,
    /// As `[inputs, outputs]`: the `Conv1D` of GPT-2.
    Inputs,
}

/// A matrix that has been read but not packed yet, so that it can be stacked.
enum Read {
    Dense(Tensor),
    Blocks { ty: GgmlType, bytes: Vec<u8> },
}

impl WeightPath<'_> {
    /// The tensors `weight` at `paths`, matrices of as many outputs as are given and `inputs` inputs, one above another:
    /// in one piece as far as they are kept in the same form.
    pub(crate) fn matrices(
        parts: &[(Self, i64)],
        inputs: i64,
        orientation: Orientation,
    ) -> Result<Vec<Matrix>, Error> {
        let mut read: Vec<Read> = vec![];
        for (path, outputs) in parts {
            let next = path.read_matrix([*outputs, inputs], orientation)?;
            match (read.last_mut(), next) {
                (Some(Read::Dense(above)), Read::Dense(below)) if above.kind() == below.kind() => {
                    *above = Tensor::f_cat(&[&*above, &below], 0)?;
                }
                (Some(Read::Blocks { ty, bytes }), Read::Blocks { ty: below, bytes: more })
                    if *ty == below =>
                {
                    bytes.extend_from_slice(&more);
                }
                (_, next) => read.push(next),
            }
        }
        let keep = |read| match read {
            Read::Dense(tensor) => Ok(Matrix::Dense(tensor)),
            Read::Blocks { ty, bytes } => {
                let blocks = Blocks::pack(ty, inputs as usize, &bytes);
                let blocks = blocks.ok_or_else(|| parts[0].0.infinite_scale())?;
                Ok(Matrix::Blocks(Rc::new(blocks)))
            }
        };
        read.into_iter().map(keep).collect()
    }

    /// The tensor `weight` below this place, `[outputs, inputs]`.
    pub(crate) fn matrix(&self, shape: [i64; 2]) -> Result<Matrix, Error> {
        let mut one = Self::matrices(&[(self.clone(), shape[0])], shape[1], Orientation::Outputs)?;
        Ok(one.remove(0))
    }

    fn infinite_scale(&self) -> Error {
        Error::BadFile {
            path: self.weights.path().to_owned(),
            problem: format!(
                "`{}`, or what is stacked on it, has a scale that is no finite number",
                self.full_name("weight")
            ),
            remedy: "fetch the file again".into(),
        }
    }

    fn read_matrix(&self, [outputs, inputs]: [i64; 2], orientation: Orientation) -> Result<Read, Error> {
        let name = self.full_name("weight");
        let expected = match orientation {
            Orientation::Outputs => [outputs, inputs],
            Orientation::Inputs => [inputs, outputs],
        };
        let kind = match self.precision.weights {
            WeightStorage::Expanded => self.precision.kind,
            WeightStorage::Bf16 => Kind::BFloat16,
            WeightStorage::Stored => match self.stored_as(&name)? {
                StoredAs::Plain(kind) => kind,
                StoredAs::Blocks(ty, weights) => {
                    self.weights.check(&name, &expected)?;
                    return Ok(Read::Blocks { ty, bytes: weights.blocks(&name)? });
                }
            },
        };
        let tensor = self.weights.read(&name, &expected, self.device, kind)?;
        Ok(Read::Dense(match orientation {
            Orientation::Outputs => tensor,
            Orientation::Inputs => tensor.f_transpose(0, 1)?.f_contiguous()?,
        }))
    }
}

/// In which form a checkpoint has a tensor.
enum StoredAs<'a> {
    Plain(Kind),
    Blocks(GgmlType, &'a GgufWeights),
}

impl WeightPath<'_> {
    /// How the tensor `name` is stored, if matrices can be kept so.
    fn stored_as(&self, name: &str) -> Result<StoredAs<'_>, Error> {
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
                    Dtype::F32 => Ok(StoredAs::Plain(Kind::Float)),
                    Dtype::BF16 => Ok(StoredAs::Plain(Kind::BFloat16)),
                    Dtype::F16 if takes_f16 => Ok(StoredAs::Plain(Kind::Half)),
                    other => refuse(weights.file(entry), format!("{other:?}")),
                },
                None => Err(self.weights.missing(name)),
            },
            Weights::Gguf(weights) => match weights.storage(name) {
                Some(ty) => match ty? {
                    GgmlType::F32 => Ok(StoredAs::Plain(Kind::Float)),
                    GgmlType::Bf16 => Ok(StoredAs::Plain(Kind::BFloat16)),
                    GgmlType::F16 if takes_f16 => Ok(StoredAs::Plain(Kind::Half)),
                    ty if Blocks::can_hold(ty) => Ok(StoredAs::Blocks(ty, weights)),
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
        assert!(matches!(stored.as_slice(), [Matrix::Blocks(_), Matrix::Dense(_)]), "{stored:?}");
        assert_eq!(stored.iter().map(Matrix::outputs).collect::<Vec<_>>(), [8, 4]);
        let expanded = load(file(), WeightStorage::Expanded, &names).unwrap();
        let [Matrix::Dense(expanded)] = expanded.as_slice() else { panic!("{expanded:?}") };
        let both = Tensor::cat(&[0, 1].map(|i| stored[i].expanded(Kind::Float).unwrap()), 0);
        assert!(both.equal(expanded));
        // Rotary pairs are neighbours in the file.
        let first: Vec<f32> = Vec::try_from(expanded.select(1, 0)).unwrap();
        assert_eq!(first[..8], [0.0, 2.0, 1.0, 3.0, 0.0, 2.0, 1.0, 3.0]);
        let halves = load(file(), WeightStorage::Bf16, &names).unwrap();
        let [Matrix::Dense(halves)] = halves.as_slice() else { panic!("{halves:?}") };
        assert!(halves.kind() == Kind::BFloat16 && halves.to_kind(Kind::Float).equal(expanded));
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
        assert!(error.contains("has no tensor `model.layers.0.self_attn.v_proj.weight`"), "{error}");
    }
}
