//! AWQ (arXiv 2306.00978) as AutoAWQ stores it for its kernel `gemm`: `qweight`, `[inputs, outputs / 8]`, `qzeros`, `[groups, outputs / 8]`,
//! and `scales`, `[groups, outputs]`. A word has eight outputs of 4 bits, out of order. A value is `(integer - zero point) * scale`, in
//! the kind of the scales.

use safetensors::Dtype;
use sah_tensor::blocks::Blocks;
use tch::Tensor;

use super::stored::{FLOATS, Module, Stored};
use super::unpack::{difference, unpack};
use super::{QuantisedMatrix, packed};
use crate::Error;

const BITS: i64 = 4;

/// Where in a word each of eight outputs lies.
const ORDER: [i64; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

pub(super) struct Awq<'a> {
    integers: Stored<'a>,
    zero_points: Stored<'a>,
    scales: Stored<'a>,
    group: i64,
    outputs: i64,
}

impl<'a> Awq<'a> {
    pub(super) fn find(module: &Module<'a>, group: Option<i64>) -> Result<Option<Self>, Error> {
        if module.find("qweight").is_none() {
            return Ok(None);
        }
        let Module { outputs, inputs, .. } = *module;
        let group = group.unwrap_or(inputs);
        if outputs % 8 != 0 || inputs % group != 0 {
            let found = format!("{outputs} outputs, {inputs} inputs in groups of {group}");
            return Err(module.unsupported("size", found, "multiples of 8 outputs, and whole groups"));
        }
        let groups = inputs / group;
        let tensor = |suffix, shape: [i64; 2]| module.tensor(suffix, &[Dtype::I32], &[&shape]);
        Ok(Some(Self {
            integers: tensor("qweight", [inputs, outputs / 8])?,
            zero_points: tensor("qzeros", [groups, outputs / 8])?,
            scales: module.tensor("scales", &FLOATS, &[&[groups, outputs]])?,
            group,
            outputs,
        }))
    }

    /// Integers in the order of outputs, `[rows, outputs]`.
    fn integers(&self, stored: &Stored<'_>) -> Result<Tensor, Error> {
        let integers = unpack(&stored.read()?, BITS, self.outputs)?.f_view([-1, self.outputs / 8, 8])?;
        let order = Tensor::f_from_slice(&ORDER)?;
        Ok(integers.f_index_select(2, &order)?.f_view([-1, self.outputs])?)
    }
}

impl QuantisedMatrix for Awq<'_> {
    fn names(&self) -> Vec<&str> {
        [&self.integers, &self.zero_points, &self.scales].map(|stored| stored.name.as_str()).to_vec()
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let of_inputs = |of_groups: Tensor| of_groups.f_repeat_interleave_self_int(self.group, 0, None);
        let scales = of_inputs(self.scales.read()?)?;
        let zero_points = of_inputs(self.integers(&self.zero_points)?)?;
        let values = difference(&self.integers(&self.integers)?, &zero_points, scales.kind())?;
        Ok(values.f_mul(&scales)?.f_transpose(0, 1)?)
    }

    fn can_be_packed(&self) -> bool {
        packed::takes_groups(self.integers.shape[0], self.group)
    }

    fn pack(&self) -> Result<Blocks, Error> {
        let turned = |tensor: Tensor| tensor.f_transpose(0, 1);
        let (codes, points) = (self.integers(&self.integers)?, self.integers(&self.zero_points)?);
        packed::int4(&turned(codes)?, &turned(self.scales.read()?)?, &turned(points)?, &self.scales)
    }
}
