//! FP8 with a scale for each block (DeepSeek-V3, arXiv 2412.19437, section 3.3): `weight`, E4M3 `[outputs, inputs]`, and
//! `weight_scale_inv`, `[outputs / rows, inputs / columns]` rounded up. A value is its number times the scale, in f32.

use safetensors::Dtype;
use tch::{Kind, Tensor};

use super::QuantisedMatrix;
use super::stored::{FLOATS, Module, Stored};
use crate::Error;

pub(super) struct Fp8<'a> {
    weight: Stored<'a>,
    scales: Stored<'a>,
    block: [i64; 2],
}

impl<'a> Fp8<'a> {
    pub(super) fn find(module: &Module<'a>, block: [i64; 2]) -> Result<Option<Self>, Error> {
        if module.find("weight").is_none_or(|weight| weight.dtype() != Dtype::F8_E4M3) {
            return Ok(None);
        }
        let Module { outputs, inputs, .. } = *module;
        let blocks = [ceil_div(outputs, block[0]), ceil_div(inputs, block[1])];
        Ok(Some(Self {
            weight: module.tensor("weight", &[Dtype::F8_E4M3], &[&[outputs, inputs]])?,
            scales: module.tensor("weight_scale_inv", &FLOATS, &[&blocks])?,
            block,
        }))
    }
}

impl QuantisedMatrix for Fp8<'_> {
    fn names(&self) -> Vec<&str> {
        vec![&self.weight.name, &self.scales.name]
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let weight = self.weight.read()?.f_to_kind(Kind::Float)?;
        scale_blocks(&weight, &self.scales.read()?.f_to_kind(Kind::Float)?, self.block)?;
        Ok(weight)
    }
}

/// `a / b`, rounded up.
pub(super) fn ceil_div(a: i64, b: i64) -> i64 {
    (a + b - 1) / b
}

/// Multiplies each block of `weight`, `[outputs, inputs]`, by its scale.
pub(super) fn scale_blocks(weight: &Tensor, scales: &Tensor, [rows, columns]: [i64; 2]) -> Result<(), Error> {
    let (outputs, inputs) = weight.size2()?;
    for (number, first) in (0..outputs).step_by(rows as usize).enumerate() {
        let of_rows = scales.f_get(number as i64)?.f_repeat_interleave_self_int(columns, 0, None)?;
        let mut block = weight.f_narrow(0, first, rows.min(outputs - first))?;
        let _ = block.f_mul_(&of_rows.f_narrow(0, 0, inputs)?)?;
    }
    Ok(())
}
