//! MXFP4 of gpt-oss' experts (OCP Microscaling Formats 1.0): `NAME_blocks`, `[E, outputs, inputs / 32, 16]`, of which each byte has two
//! numbers of 4 bits, the first in the lower ones, and `NAME_scales`, `[E, outputs, inputs / 32]`: a block's exponent of 2, plus 127.

use safetensors::Dtype;
use sah_tensor::blocks::Blocks;
use tch::Tensor;

use super::QuantisedMatrix;
use super::stored::{Module, Stored};
use crate::Error;

/// The numbers that 4 bits stand for: E2M1.
const NUMBERS: [f32; 16] =
    [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0];

/// Numbers that share a scale.
const BLOCK: i64 = 32;

pub(super) struct Mxfp4<'a> {
    blocks: Stored<'a>,
    scales: Stored<'a>,
    size: [i64; 2],
}

impl<'a> Mxfp4<'a> {
    pub(super) fn find(module: &Module<'a>) -> Result<Option<Self>, Error> {
        if module.find("blocks").is_none() {
            return Ok(None);
        }
        let Module { outputs, inputs, .. } = *module;
        let groups = inputs / BLOCK;
        if groups * BLOCK != inputs {
            return Err(module.unsupported("inputs", inputs, "multiples of 32"));
        }
        Ok(Some(Self {
            blocks: module.tensor("blocks", &[Dtype::U8], &[&[outputs, groups, BLOCK / 2]])?,
            scales: module.tensor("scales", &[Dtype::U8], &[&[outputs, groups]])?,
            size: [outputs, inputs],
        }))
    }
}

impl QuantisedMatrix for Mxfp4<'_> {
    fn names(&self) -> Vec<&str> {
        vec![&self.blocks.name, &self.scales.name]
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let (blocks, scales) = (self.blocks.bytes()?, self.scales.bytes()?);
        let mut values = Vec::with_capacity(2 * blocks.len());
        for (block, scale) in blocks.chunks_exact(BLOCK as usize / 2).zip(scales) {
            let scale = 2_f64.powi(i32::from(scale) - 127);
            let codes = block.iter().flat_map(|byte| [byte & 0xF, byte >> 4]);
            values.extend(codes.map(|code| (f64::from(NUMBERS[usize::from(code)]) * scale) as f32));
        }
        Ok(Tensor::f_from_slice(&values)?.f_view(self.size)?)
    }
    fn can_be_packed(&self) -> bool {
        true
    }

    fn pack(&self) -> Result<Blocks, Error> {
        let [_, inputs] = self.size;
        let packed = Blocks::pack_mxfp4(inputs as usize, &self.blocks.bytes()?, &self.scales.bytes()?);
        packed.ok_or_else(|| self.scales.bad("has exponents that make values infinite"))
    }
}
