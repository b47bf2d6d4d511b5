//! Forms of the library bitsandbytes: nf4 and fp4 (QLoRA, arXiv 2305.14314), and int8 (arXiv 2208.07339).

use safetensors::Dtype;
use serde::Deserialize;
use tch::{Kind, Tensor};

use super::stored::{Module, Stored};
use super::{QuantisedMatrix, ceil_div};
use crate::Error;

/// The matrix, where it is quantised.
pub(super) fn find<'a>(module: &Module<'a>) -> Result<Option<Box<dyn QuantisedMatrix + 'a>>, Error> {
    Ok(match module.find("weight").map(|weight| weight.dtype()) {
        Some(Dtype::U8) => Some(Box::new(FourBits::find(module)?)),
        Some(Dtype::I8) => Some(Box::new(EightBits::find(module)?)),
        _ => None,
    })
}

/// `weight`, I8 `[outputs, inputs]`, and `SCB`, the largest size of each output's values, `[outputs]`: a value is
/// `number * SCB / 127`.
struct EightBits<'a> {
    weight: Stored<'a>,
    largest: Stored<'a>,
    /// Which order the numbers are in; it has not been anything but that of rows since 2023.
    order: Option<Stored<'a>>,
}

impl<'a> EightBits<'a> {
    fn find(module: &Module<'a>) -> Result<Self, Error> {
        let Module { outputs, inputs, .. } = *module;
        let order = module.find("weight_format");
        if let Some(order) = &order
            && order.bytes()?.iter().any(|&byte| byte != 0)
        {
            return Err(module.unsupported("weight_format", "an order of tiles", "rows (0)"));
        }
        Ok(Self {
            weight: module.tensor("weight", &[Dtype::I8], &[&[outputs, inputs]])?,
            largest: module.tensor("SCB", &[Dtype::F32], &[&[outputs]])?,
            order,
        })
    }
}

impl QuantisedMatrix for EightBits<'_> {
    fn names(&self) -> Vec<&str> {
        let all = [&self.weight, &self.largest];
        all.into_iter().chain(&self.order).map(|stored| stored.name.as_str()).collect()
    }

    fn expand(&self) -> Result<Tensor, Error> {
        // The library's 1 / 127.
        const SHARE: f64 = 7.874_015_718_698_502e-3;
        let largest = self.largest.read()?.f_unsqueeze(1)?;
        Ok(self.weight.read()?.f_to_kind(Kind::Float)?.f_mul(&largest)?.f_mul_scalar(SHARE)?)
    }
}

/// `weight`, two numbers of 4 bits a byte, the first in the higher ones, row after row: each stands for a number of `quant_map`, times the
/// largest size in its block, `absmax`. These may be numbers of 8 bits themselves, with a map, sizes of blocks and a mean of their own.
struct FourBits<'a> {
    weight: Stored<'a>,
    map: Stored<'a>,
    largest: Stored<'a>,
    nested: Option<Nested<'a>>,
    state: Stored<'a>,
    block: i64,
    kind: Kind,
    size: [i64; 2],
}

/// Largest sizes that are quantised too.
struct Nested<'a> {
    map: Stored<'a>,
    largest: Stored<'a>,
    block: i64,
    mean: f64,
}

/// What the library says of a matrix, as JSON in a tensor.
#[derive(Deserialize)]
struct State {
    blocksize: i64,
    dtype: String,
    shape: Vec<i64>,
    nested_blocksize: Option<i64>,
    nested_offset: Option<f64>,
}

impl<'a> FourBits<'a> {
    fn find(module: &Module<'a>) -> Result<Self, Error> {
        let Module { outputs, inputs, .. } = *module;
        let state = ["nf4", "fp4"].map(|of| module.find(&format!("weight.quant_state.bitsandbytes__{of}")));
        let Some(state) = state.into_iter().flatten().next() else {
            // Says that it is missing.
            module.tensor("weight.quant_state.bitsandbytes__nf4", &[], &[])?;
            return Err(module.unsupported("form", "no nf4 and no fp4", "nf4, fp4"));
        };
        let said: State = serde_json::from_slice(&state.bytes()?)
            .map_err(|error| state.bad(&format!("is no state: {error}")))?;
        let values = outputs * inputs;
        if said.blocksize < 1 || said.shape != [outputs, inputs] {
            let found = format!("{:?} in blocks of {}", said.shape, said.blocksize);
            return Err(module.unsupported("quant_state", found, &format!("[{outputs}, {inputs}]")));
        }
        let kind = match said.dtype.as_str() {
            "float32" => Kind::Float,
            "float16" => Kind::Half,
            "bfloat16" => Kind::BFloat16,
            other => return Err(module.unsupported("dtype", other, "float32, float16, bfloat16")),
        };
        let blocks = ceil_div(values, said.blocksize);
        let nested = match said.nested_blocksize {
            None => None,
            Some(block) if block < 1 => {
                return Err(module.unsupported("nested_blocksize", block, "1 and more"));
            }
            Some(block) => Some(Nested {
                map: module.tensor("weight.nested_quant_map", &[Dtype::F32], &[&[256]])?,
                largest: module.tensor(
                    "weight.nested_absmax",
                    &[Dtype::F32],
                    &[&[ceil_div(blocks, block)]],
                )?,
                block,
                mean: said.nested_offset.unwrap_or_default(),
            }),
        };
        let of_largest = if nested.is_some() { Dtype::U8 } else { Dtype::F32 };
        Ok(Self {
            weight: module.tensor("weight", &[Dtype::U8], &[&[ceil_div(values, 2), 1]])?,
            map: module.tensor("weight.quant_map", &[Dtype::F32], &[&[16]])?,
            largest: module.tensor("weight.absmax", &[of_largest], &[&[blocks]])?,
            nested,
            state,
            block: said.blocksize,
            kind,
            size: [outputs, inputs],
        })
    }

    /// The largest size of each block's values.
    fn largest(&self) -> Result<Vec<f32>, Error> {
        let Some(Nested { map, largest, block, mean }) = &self.nested else {
            return Ok(Vec::try_from(self.largest.read()?)?);
        };
        let (map, largest) = (Vec::<f32>::try_from(map.read()?)?, Vec::<f32>::try_from(largest.read()?)?);
        let of_code = |(number, code): (usize, u8)| {
            map[usize::from(code)] * largest[number / *block as usize] + *mean as f32
        };
        Ok(self.largest.bytes()?.into_iter().enumerate().map(of_code).collect())
    }
}

impl QuantisedMatrix for FourBits<'_> {
    fn names(&self) -> Vec<&str> {
        let nested = self.nested.iter().flat_map(|nested| [&nested.map, &nested.largest]);
        let all = [&self.weight, &self.map, &self.largest, &self.state];
        all.into_iter().chain(nested).map(|stored| stored.name.as_str()).collect()
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let (map, largest) = (Vec::<f32>::try_from(self.map.read()?)?, self.largest()?);
        let codes = self.weight.bytes()?.into_iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        let count = (self.size[0] * self.size[1]) as usize;
        let value =
            |(number, code): (usize, u8)| map[usize::from(code)] * largest[number / self.block as usize];
        let values: Vec<f32> = codes.take(count).enumerate().map(value).collect();
        Ok(Tensor::f_from_slice(&values)?.f_view(self.size)?.f_to_kind(self.kind)?)
    }
}
