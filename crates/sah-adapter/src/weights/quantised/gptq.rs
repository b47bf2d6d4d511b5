//! GPTQ (arXiv 2210.17323) as AutoGPTQ and GPTQModel store it: `qweight`, `[inputs bits / 32, outputs]`, `qzeros`, `[groups, outputs bits /
//! 32]`, `scales`, `[groups, outputs]`, and `g_idx`, `[inputs]`: the group of each input, which act-order mixes. A value is
//! `scale * (integer - zero point)`, in the kind of the scales.

use safetensors::Dtype;
use sah_tensor::blocks::Blocks;
use tch::{Device, Kind, Tensor};

use super::stored::{FLOATS, Module, Stored};
use super::unpack::{difference, unpack, words};
use super::{QuantisedMatrix, ceil_div, packed};
use crate::Error;

/// How zero points are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZeroPoints {
    /// 1 less than they are (`gptq`).
    OneLess,
    /// As they are (`gptq_v2`).
    Same,
}

pub(super) struct Gptq<'a> {
    integers: Stored<'a>,
    zero_points: Stored<'a>,
    scales: Stored<'a>,
    groups_of: Option<Stored<'a>>,
    bits: i64,
    group: i64,
    stored_as: ZeroPoints,
    size: [i64; 2],
}

impl<'a> Gptq<'a> {
    pub(super) fn find(
        module: &Module<'a>,
        bits: i64,
        group: Option<i64>,
        stored_as: ZeroPoints,
    ) -> Result<Option<Self>, Error> {
        if module.find("qweight").is_none() {
            return Ok(None);
        }
        let Module { outputs, inputs, .. } = *module;
        let group = group.unwrap_or(inputs);
        let groups = ceil_div(inputs, group);
        let tensor = |suffix, shape: [i64; 2]| module.tensor(suffix, &[Dtype::I32], &[&shape]);
        let groups_of = match module.find("g_idx") {
            None => None,
            Some(_) => Some(module.tensor("g_idx", &[Dtype::I32], &[&[inputs]])?),
        };
        Ok(Some(Self {
            integers: tensor("qweight", [words(inputs, bits), outputs])?,
            zero_points: tensor("qzeros", [groups, words(outputs, bits)])?,
            scales: module.tensor("scales", &FLOATS, &[&[groups, outputs]])?,
            groups_of,
            bits,
            group,
            stored_as,
            size: [outputs, inputs],
        }))
    }

    /// As they are, `[groups, outputs]`.
    fn zero_points(&self) -> Result<Tensor, Error> {
        let stored = unpack(&self.zero_points.read()?, self.bits, self.size[0])?.f_to_kind(Kind::Int16)?;
        Ok(match self.stored_as {
            // Not modulo 2^bits: the largest one stands for 2^bits, as in AutoGPTQ.
            ZeroPoints::OneLess => stored.f_add_scalar(1)?,
            ZeroPoints::Same => stored,
        })
    }

    /// Whether inputs are in the order of their groups.
    fn is_in_order(&self) -> bool {
        let [_, inputs] = self.size;
        let Ok(groups) = self.groups_of_inputs().and_then(|groups| Ok(Vec::<i64>::try_from(groups)?)) else {
            return false;
        };
        groups.iter().zip(0..inputs).all(|(group, input)| *group == input / self.group)
    }

    /// The group of each input, `[inputs]`.
    fn groups_of_inputs(&self) -> Result<Tensor, Error> {
        let [_, inputs] = self.size;
        let Some(stored) = &self.groups_of else {
            let places = Tensor::f_arange(inputs, (Kind::Int64, Device::Cpu))?;
            return Ok(places.f_div_scalar_mode(self.group, "floor")?);
        };
        let groups = Vec::<i32>::try_from(stored.read()?)?;
        let count = ceil_div(inputs, self.group);
        if groups.iter().any(|&group| !(0..count).contains(&i64::from(group))) {
            return Err(stored.bad(&format!("names a group that is none of {count}")));
        }
        Ok(Tensor::f_from_slice(&groups)?.f_to_kind(Kind::Int64)?)
    }
}

impl QuantisedMatrix for Gptq<'_> {
    fn names(&self) -> Vec<&str> {
        let all = [&self.integers, &self.zero_points, &self.scales];
        all.into_iter().chain(&self.groups_of).map(|stored| stored.name.as_str()).collect()
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let [_, inputs] = self.size;
        // `[outputs, inputs]` and `[groups, outputs]`.
        let integers = unpack(&self.integers.read()?.f_transpose(0, 1)?, self.bits, inputs)?;
        let zero_points = self.zero_points()?;
        let groups = self.groups_of_inputs()?;
        let of_inputs = |of_groups: &Tensor| of_groups.f_index_select(0, &groups)?.f_transpose(0, 1);
        let scales = of_inputs(&self.scales.read()?)?;
        let values = difference(&integers, &of_inputs(&zero_points)?, scales.kind())?;
        Ok(values.f_mul(&scales)?)
    }

    fn can_be_packed(&self) -> bool {
        self.bits == 4 && packed::takes_groups(self.size[1], self.group) && self.is_in_order()
    }

    fn pack(&self) -> Result<Blocks, Error> {
        let codes = unpack(&self.integers.read()?.f_transpose(0, 1)?, self.bits, self.size[1])?;
        let turned = |tensor: Tensor| tensor.f_transpose(0, 1);
        packed::int4(&codes, &turned(self.scales.read()?)?, &turned(self.zero_points()?)?, &self.scales)
    }
}
