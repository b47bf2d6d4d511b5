//! Forms of the library compressed-tensors: integers and E4M3 with scales of a tensor, an output, a group of inputs or a block, in tensors
//! of their own type or packed in words. A value is `(number - zero point) * scale`, in the kind of the scales.

use safetensors::Dtype;
use sah_tensor::blocks::Blocks;
use tch::{Kind, Tensor};

use super::fp8::scale_blocks;
use super::stored::{FLOATS, Module, Stored};
use super::unpack::{unpack, words};
use super::{QuantisedMatrix, ceil_div, packed};
use crate::Error;

/// How the weights of a group of modules are quantised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scheme {
    pub(crate) bits: i64,
    /// E4M3; else integers.
    pub(crate) is_float: bool,
    pub(crate) strategy: Strategy,
    pub(crate) is_symmetric: bool,
}

/// What shares a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Tensor,
    /// An output.
    Channel,
    /// So many inputs of an output.
    Group(i64),
    /// So many outputs and inputs.
    Block([i64; 2]),
}

/// The matrix, where it is quantised.
pub(super) fn find<'a>(
    module: &Module<'a>,
    schemes: &[Scheme],
) -> Result<Option<Box<dyn QuantisedMatrix + 'a>>, Error> {
    let (is_packed, is_float) = match (module.find("weight_packed"), module.find("weight")) {
        (Some(_), _) => (true, false),
        (None, Some(weight)) if weight.dtype() == Dtype::F8_E4M3 => (false, true),
        (None, Some(weight)) if weight.dtype() == Dtype::I8 => (false, false),
        _ => return Ok(None),
    };
    // Which scheme is that of the module shows in its tensors: names and patterns that say so are not needed.
    let fits = |scheme: &&Scheme| scheme.is_float == is_float && (is_packed || scheme.bits == 8);
    let mut first_error = None;
    for scheme in schemes.iter().filter(fits) {
        match Matrix::find(module, *scheme, is_packed) {
            Ok(found) => return Ok(Some(Box::new(found))),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    let stored = if is_packed {
        "packed integers"
    } else if is_float {
        "E4M3"
    } else {
        "integers of 8 bits"
    };
    Err(first_error.unwrap_or_else(|| {
        let known: Vec<String> = schemes.iter().map(|scheme| format!("{scheme:?}")).collect();
        module.unsupported("form", stored, &format!("what config_groups say: {}", known.join(", ")))
    }))
}

struct Matrix<'a> {
    numbers: Stored<'a>,
    is_packed: bool,
    scales: Stored<'a>,
    zero_points: Option<Stored<'a>>,
    /// The group of each input, where these are not in order (`actorder: group`).
    groups_of: Option<Stored<'a>>,
    /// Its tensors that say nothing new.
    others: Vec<Stored<'a>>,
    scheme: Scheme,
    size: [i64; 2],
}

impl<'a> Matrix<'a> {
    fn find(module: &Module<'a>, scheme: Scheme, is_packed: bool) -> Result<Self, Error> {
        let Module { outputs, inputs, .. } = *module;
        let size = [outputs, inputs];
        let numbers = if is_packed {
            module.tensor("weight_packed", &[Dtype::I32], &[&[outputs, words(inputs, scheme.bits)]])?
        } else {
            let ty = if scheme.is_float { Dtype::F8_E4M3 } else { Dtype::I8 };
            module.tensor("weight", &[ty], &[&size])?
        };
        let of_scales: Vec<Vec<i64>> = match scheme.strategy {
            Strategy::Tensor => vec![vec![1], vec![], vec![1, 1]],
            Strategy::Channel => vec![vec![outputs, 1], vec![outputs]],
            Strategy::Group(group) if inputs % group != 0 => {
                return Err(module.unsupported("inputs", inputs, &format!("multiples of a group, {group}")));
            }
            Strategy::Group(group) => vec![vec![outputs, inputs / group]],
            Strategy::Block([rows, columns]) => {
                vec![vec![ceil_div(outputs, rows), ceil_div(inputs, columns)]]
            }
        };
        let shapes: Vec<&[i64]> = of_scales.iter().map(Vec::as_slice).collect();
        let scales = module.tensor("weight_scale", &FLOATS, &shapes)?;
        let groups_of = match (module.find("weight_g_idx"), scheme.strategy) {
            (Some(_), Strategy::Group(_)) => {
                Some(module.tensor("weight_g_idx", &[Dtype::I32, Dtype::I64], &[&[inputs]])?)
            }
            _ => None,
        };
        let zero_points = match (scheme.is_symmetric, is_packed) {
            (true, _) => None,
            (false, true) => {
                let groups = of_scales[0].get(1).copied().unwrap_or(1);
                let shape = [words(outputs, scheme.bits), groups];
                Some(module.tensor("weight_zero_point", &[Dtype::I32], &[&shape])?)
            }
            (false, false) => {
                let types = [Dtype::I8, Dtype::U8, Dtype::F8_E4M3];
                Some(module.tensor("weight_zero_point", &types, &shapes)?)
            }
        };
        let is_other = |suffix: &&str| match *suffix {
            "weight_zero_point" => zero_points.is_none(),
            "weight_g_idx" => groups_of.is_none(),
            _ => true,
        };
        let others = [
            "weight_shape",
            "weight_zero_point",
            "weight_g_idx",
            "input_scale",
            "input_zero_point",
            "output_scale",
        ];
        let others = others.into_iter().filter(is_other).filter_map(|suffix| module.find(suffix)).collect();
        Ok(Self { numbers, is_packed, scales, zero_points, groups_of, others, scheme, size })
    }

    /// The group of each input, `[inputs]`; `None` where they are in order.
    fn order(&self, group: i64) -> Result<Option<Vec<i64>>, Error> {
        let Some(stored) = &self.groups_of else { return Ok(None) };
        let groups = Vec::<i64>::try_from(stored.read()?.f_to_kind(Kind::Int64)?)?;
        // The library fills it with -1 before there is an order.
        if groups.contains(&-1) || groups.iter().zip(0..).all(|(of, input)| *of == input / group) {
            return Ok(None);
        }
        let mut counts = vec![0; (self.size[1] / group) as usize];
        for of in &groups {
            let count = usize::try_from(*of).ok().and_then(|of| counts.get_mut(of));
            *count.ok_or_else(|| stored.bad(&format!("names a group that is not there, {of}")))? += 1;
        }
        if counts.iter().any(|count| *count != group) {
            return Err(stored.bad(&format!("has groups of other sizes than {group} inputs")));
        }
        Ok(Some(groups))
    }

    /// Of `integers`, packed along the rows of `packed`: those of a sign.
    fn unpacked(&self, packed: &Tensor, count: i64) -> Result<Tensor, Error> {
        let integers = unpack(packed, self.scheme.bits, count)?.f_to_kind(Kind::Int16)?;
        Ok(integers.f_sub_scalar(1_i64 << (self.scheme.bits - 1))?)
    }

    fn zero_points(&self) -> Result<Option<Tensor>, Error> {
        let Some(stored) = &self.zero_points else { return Ok(None) };
        let read = stored.read()?;
        if !self.is_packed {
            return Ok(Some(read));
        }
        Ok(Some(self.unpacked(&read.f_transpose(0, 1)?, self.size[0])?.f_transpose(0, 1)?))
    }
}

impl QuantisedMatrix for Matrix<'_> {
    fn names(&self) -> Vec<&str> {
        let all = [&self.numbers, &self.scales];
        all.into_iter()
            .chain(&self.zero_points)
            .chain(&self.groups_of)
            .chain(&self.others)
            .map(|stored| stored.name.as_str())
            .collect()
    }

    fn expand(&self) -> Result<Tensor, Error> {
        let [outputs, inputs] = self.size;
        let scales = self.scales.read()?;
        let numbers = self.numbers.read()?;
        let numbers = if self.is_packed { self.unpacked(&numbers, inputs)? } else { numbers };
        let values = numbers.f_to_kind(scales.kind())?;
        let zero_points = self.zero_points()?.map(|points| points.f_to_kind(scales.kind())).transpose()?;
        if let Strategy::Group(group) = self.scheme.strategy
            && let Some(order) = self.order(group)?
        {
            let order = Tensor::f_from_slice(&order)?;
            let of_inputs = |of_groups: &Tensor| of_groups.f_index_select(1, &order);
            let moved = match zero_points {
                None => values,
                Some(points) => values.f_sub(&of_inputs(&points)?)?,
            };
            return Ok(moved.f_mul(&of_inputs(&scales)?)?);
        }
        // Of scales and zero points: `[outputs, groups, 1]`.
        let (by_group, of_groups) = match self.scheme.strategy {
            Strategy::Block(_) if zero_points.is_some() => {
                return Err(self.numbers.bad("has zero points of blocks, which no library writes"));
            }
            Strategy::Block(block) => {
                scale_blocks(&values, &scales, block)?;
                return Ok(values);
            }
            Strategy::Tensor => (values.f_view([1, 1, -1])?, [1, 1, 1]),
            Strategy::Channel => (values.f_view([outputs, 1, inputs])?, [outputs, 1, 1]),
            Strategy::Group(group) => (values.f_view([outputs, -1, group])?, [outputs, inputs / group, 1]),
        };
        let moved = match zero_points {
            None => by_group,
            Some(points) => by_group.f_sub(&points.f_reshape(of_groups)?)?,
        };
        Ok(moved.f_mul(&scales.f_reshape(of_groups)?)?.f_view(self.size)?)
    }

    fn can_be_packed(&self) -> bool {
        let [_, inputs] = self.size;
        match (self.scheme.strategy, self.scheme.is_float) {
            (Strategy::Block([_, columns]), true) => packed::takes_blocks(inputs, columns),
            (Strategy::Tensor | Strategy::Channel, true) => self.zero_points.is_none(),
            (Strategy::Group(group), false) => {
                self.is_packed
                    && self.scheme.bits == 4
                    && packed::takes_groups(inputs, group)
                    && matches!(self.order(group), Ok(None))
            }
            (Strategy::Channel, false) => {
                self.is_packed && self.scheme.bits == 4 && packed::takes_groups(inputs, inputs)
            }
            _ => false,
        }
    }

    fn pack(&self) -> Result<Blocks, Error> {
        let [outputs, inputs] = self.size;
        let scales = self.scales.read()?;
        if self.scheme.is_float {
            let block = match self.scheme.strategy {
                Strategy::Block(block) => block,
                Strategy::Channel => [1, inputs],
                Strategy::Tensor | Strategy::Group(_) => [outputs, inputs],
            };
            return packed::e4m3(&self.numbers, &scales, block, inputs);
        }
        // Both are stored without a sign: 8 more than they are.
        let codes = unpack(&self.numbers.read()?, self.scheme.bits, inputs)?;
        let scales = scales.f_reshape([outputs, -1])?;
        let zero_points = match self.zero_points()? {
            Some(points) => points.f_reshape([outputs, -1])?.f_to_kind(Kind::Int16)?.f_add_scalar(8)?,
            None => Tensor::f_full_like(&scales, 8)?,
        };
        packed::int4(&codes, &scales, &zero_points, &self.scales)
    }
}
