//! FP8 with a scale for each block (DeepSeek-V3, arXiv 2412.19437, section 3.3), or one for all (Ministral 3): `weight`, E4M3
//! `[outputs, inputs]`, and `weight_scale_inv`, `[outputs / rows, inputs / columns]` rounded up. A value is its number times the scale, in f32.

use safetensors::Dtype;
use sah_tensor::blocks::Blocks;
use tch::{Kind, Tensor};

use super::stored::{FLOATS, Module, Stored};
use super::{QuantisedMatrix, ceil_div, packed};
use crate::Error;

pub(super) struct Fp8<'a> {
    weight: Stored<'a>,
    scales: Stored<'a>,
    /// That of activations, where it does not depend on them; it is not used.
    of_activations: Option<Stored<'a>>,
    block: [i64; 2],
}

impl<'a> Fp8<'a> {
    /// With one scale for all where there is no `block`.
    pub(super) fn find(module: &Module<'a>, block: Option<[i64; 2]>) -> Result<Option<Self>, Error> {
        if module.find("weight").is_none_or(|weight| weight.dtype() != Dtype::F8_E4M3) {
            return Ok(None);
        }
        let Module { outputs, inputs, .. } = *module;
        let [rows, columns] = block.unwrap_or([outputs, inputs]);
        let blocks = [ceil_div(outputs, rows), ceil_div(inputs, columns)];
        let shapes: &[&[i64]] = if block.is_some() { &[&blocks] } else { &[&[], &[1], &[1, 1]] };
        Ok(Some(Self {
            weight: module.tensor("weight", &[Dtype::F8_E4M3], &[&[outputs, inputs]])?,
            scales: module.tensor("weight_scale_inv", &FLOATS, shapes)?,
            of_activations: module.find("activation_scale"),
            block: [rows, columns],
        }))
    }
}

impl Fp8<'_> {
    /// In f32, `[outputs / rows, inputs / columns]`.
    fn scales(&self) -> Result<Tensor, Error> {
        let blocks = ceil_div(self.weight.shape[0], self.block[0]);
        Ok(self.scales.read()?.f_to_kind(Kind::Float)?.f_reshape([blocks, -1])?)
    }
}

impl QuantisedMatrix for Fp8<'_> {
    fn names(&self) -> Vec<&str> {
        let all = [&self.weight, &self.scales];
        all.into_iter().chain(&self.of_activations).map(|stored| stored.name.as_str()).collect()
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let weight = self.weight.read()?.f_to_kind(Kind::Float)?;
        scale_blocks(&weight, &self.scales()?, self.block)?;
        Ok(weight)
    }

    fn can_be_packed(&self) -> bool {
        packed::takes_blocks(self.weight.shape[1], self.block[1])
    }

    fn pack(&self) -> Result<Blocks, Error> {
        packed::e4m3(&self.weight, &self.scales()?, self.block, self.weight.shape[1])
    }
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
