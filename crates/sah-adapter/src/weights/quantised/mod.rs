//! Matrices that a checkpoint has in fewer bits, expanded as the library that wrote them does. One file for each form.

mod awq;
mod bitsandbytes;
mod compressed_tensors;
mod forms;
mod fp8;
mod gptq;
mod mxfp4;
mod packed;
mod stored;
mod unpack;

use safetensors::Dtype;
use sah_tensor::blocks::Blocks;
use tch::Tensor;

use super::safetensors::Safetensors;
use crate::Error;

pub(crate) use compressed_tensors::{Scheme, Strategy};
pub use forms::{QuantisedForm, quantised_forms};
pub(crate) use gptq::ZeroPoints;
use stored::Module;

/// How a checkpoint has quantised its matrices. Those without tensors of the form are stored as they are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Quantisation {
    /// E4M3, with a scale for each block of so many rows and columns, as DeepSeek and Qwen publish it, or one for all.
    Fp8 { block: Option<[i64; 2]> },
    /// Forms of the library compressed-tensors.
    CompressedTensors { schemes: Vec<Scheme> },
    /// AWQ, packed for the kernel `gemm`, in groups of so many inputs; of all of them where it is `None`.
    Awq { group: Option<i64> },
    /// GPTQ in so many bits.
    Gptq { bits: i64, group: Option<i64>, zero_points: ZeroPoints },
    /// nf4, fp4 and int8 of the library bitsandbytes.
    BitsAndBytes,
    /// MXFP4 of gpt-oss' experts.
    Mxfp4,
}

/// A quantised matrix `[outputs, inputs]`, whose tensors are there in the right shapes and types.
pub(super) trait QuantisedMatrix {
    /// The names of its tensors.
    fn names(&self) -> Vec<&str>;

    /// All values, `[outputs, inputs]`, on the CPU, in the kind that the library computes them in.
    fn expand(&self) -> Result<Tensor, Error>;

    /// Whether there are products with its bits as they are.
    fn can_be_packed(&self) -> bool {
        false
    }

    /// Its bits, packed for these; values are not rounded to the kind in which the library computes them.
    fn pack(&self) -> Result<Blocks, Error> {
        unreachable!("only what can be packed is")
    }
}

/// Where a matrix stands among the tensors.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) weights: &'a Safetensors,
    /// What stands before `.weight`, or the name of a tensor of all experts.
    pub(super) module: String,
    /// The expert, and how many there are, in a tensor of all of them.
    pub(super) expert: Option<(i64, i64)>,
}

impl Quantisation {
    /// The matrix `[outputs, inputs]` at `place`; `None` where it is stored as it is.
    ///
    /// # Errors
    ///
    /// A tensor of the form is missing, or has another shape or type than the others and the config imply.
    pub(super) fn matrix<'a>(
        &self,
        place: Place<'a>,
        shape: [i64; 2],
    ) -> Result<Option<Box<dyn QuantisedMatrix + 'a>>, Error> {
        let module = Module::new(place, shape);
        Ok(match self {
            Self::Fp8 { block } => fp8::Fp8::find(&module, *block)?.map(|found| Box::new(found) as _),
            Self::CompressedTensors { schemes } => compressed_tensors::find(&module, schemes)?,
            Self::Awq { group } => awq::Awq::find(&module, *group)?.map(|found| Box::new(found) as _),
            Self::Gptq { bits, group, zero_points } => {
                gptq::Gptq::find(&module, *bits, *group, *zero_points)?.map(|found| Box::new(found) as _)
            }
            Self::BitsAndBytes => bitsandbytes::find(&module)?,
            Self::Mxfp4 => mxfp4::Mxfp4::find(&module)?.map(|found| Box::new(found) as _),
        })
    }

    /// How many values a number of a type holds.
    pub(super) fn values_in(&self, dtype: Dtype) -> u64 {
        let in_word = |bits: i64| 32 / bits.unsigned_abs().max(1);
        match (self, dtype) {
            (Self::Awq { .. }, Dtype::I32) => in_word(4),
            (Self::Gptq { bits, .. }, Dtype::I32) => in_word(*bits),
            (Self::CompressedTensors { schemes }, Dtype::I32) => {
                schemes.iter().map(|scheme| in_word(scheme.bits)).max().unwrap_or(1)
            }
            (Self::BitsAndBytes | Self::Mxfp4, Dtype::U8) => 2,
            _ => 1,
        }
    }

    /// Its `quant_method`.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Fp8 { .. } => "fp8",
            Self::CompressedTensors { .. } => "compressed-tensors",
            Self::Awq { .. } => "awq",
            Self::Gptq { .. } => "gptq",
            Self::BitsAndBytes => "bitsandbytes",
            Self::Mxfp4 => "mxfp4",
        }
    }
}

/// `a / b`, rounded up.
fn ceil_div(a: i64, b: i64) -> i64 {
    (a + b - 1) / b
}
