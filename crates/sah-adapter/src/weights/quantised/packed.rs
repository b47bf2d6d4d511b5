//! Quantised matrices whose bits are kept.

use sah_tensor::blocks::Blocks;
use tch::{Kind, Tensor};

use super::stored::Stored;
use crate::Error;

/// Columns that the smallest group of 4 bits has.
const GROUP: i64 = 32;

/// Whether groups of so many of `inputs` inputs can be packed.
pub(super) fn takes_groups(inputs: i64, group: i64) -> bool {
    group % GROUP == 0 && inputs % group == 0
}

/// Whether blocks of so many of `inputs` inputs with a scale each can be packed.
pub(super) fn takes_blocks(inputs: i64, columns: i64) -> bool {
    columns % 64 == 0 || columns >= inputs
}

/// Integers of 4 bits, `[outputs, inputs]`, with `scales` and `zero_points`, `[outputs, groups]`; `named` is what an error names.
pub(super) fn int4(
    codes: &Tensor,
    scales: &Tensor,
    zero_points: &Tensor,
    named: &Stored<'_>,
) -> Result<Blocks, Error> {
    let (_, inputs) = codes.size2()?;
    let (_, groups) = scales.size2()?;
    let bytes = |tensor: &Tensor| {
        Ok::<_, Error>(Vec::<u8>::try_from(tensor.f_to_kind(Kind::Uint8)?.f_contiguous()?.f_view([-1])?)?)
    };
    let scales = Vec::<f32>::try_from(scales.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?)?;
    let packed = Blocks::pack_int4(
        inputs as usize,
        (inputs / groups) as usize,
        &bytes(codes)?,
        &scales,
        &bytes(zero_points)?,
    );
    packed.ok_or_else(|| named.bad("has a scale that is no finite f16 or bf16"))
}

/// E4M3, `[outputs, inputs]`, with a scale for each block, `[outputs / rows, inputs / columns]` rounded up.
pub(super) fn e4m3(
    weight: &Stored<'_>,
    scales: &Tensor,
    [rows, columns]: [i64; 2],
    inputs: i64,
) -> Result<Blocks, Error> {
    let scales = Vec::<f32>::try_from(scales.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?)?;
    let packed =
        Blocks::pack_e4m3(inputs as usize, [rows as usize, columns as usize], &weight.bytes()?, &scales);
    packed.ok_or_else(|| weight.bad("or its scales have what is no finite number"))
}
