//! Grouped-query attention without repeating keys: the heads of a group as rows of their key/value head.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::inputs::{AttentionInputs, Dims};

/// Query rows `start..start + rows` as `[B, Hkv, g * rows, D]`; row `r * rows + i` is row `start + i` of the group's
/// `r`-th head.
pub fn fold_queries(inputs: &AttentionInputs<'_>, start: usize, rows: usize) -> Result<Tensor> {
    let dims = inputs.dims();
    let folded = [dims.batch, dims.kv_heads, dims.group() * rows, dims.head_dim].map(|size| size as i64);
    if rows == dims.queries {
        return Ok(inputs.queries().f_reshape(folded)?);
    }
    Ok(inputs.queries().f_narrow(2, start as i64, rows as i64)?.f_reshape(folded)?)
}

/// The inverse for an output: `[B, Hkv, g * rows, Dv]` as `[B, H, rows, Dv]`.
pub fn unfold_output(inputs: &AttentionInputs<'_>, output: &Tensor, rows: usize) -> Result<Tensor> {
    let dims = inputs.dims();
    Ok(output.f_reshape([dims.batch, dims.heads, rows, dims.value_dim].map(|size| size as i64))?)
}

/// Folded tensors of `rows` rows each of a per-head tensor `[B, H, Q, N]`: `[B, Hkv, g * rows, N]`.
pub fn fold_rows(inputs: &AttentionInputs<'_>, tensor: &Tensor, start: usize, rows: usize) -> Result<Tensor> {
    let dims = inputs.dims();
    let folded = [dims.batch as i64, dims.kv_heads as i64, (dims.group() * rows) as i64, -1];
    Ok(tensor.f_narrow(2, start as i64, rows as i64)?.f_reshape(folded)?)
}

/// Scaled scores as the layer bounds them: `cap * tanh(s / cap)`.
pub fn capped(inputs: &AttentionInputs<'_>, mut scores: Tensor) -> Result<Tensor> {
    match inputs.soft_cap() {
        None => Ok(scores),
        Some(cap) => Ok(scores.f_div_scalar_(cap)?.f_tanh_()?.f_mul_scalar_(cap)?),
    }
}

/// Weights of `scores` of `rows`, `[B, H, rows, N]` or `[B, Hkv, g * rows, N]`: their softmax, with the score that belongs to no key where
/// the layer has one.
pub(crate) fn softmax(inputs: &AttentionInputs<'_>, scores: &Tensor, rows: Range<usize>) -> Result<Tensor> {
    let Some(sinks) = inputs.sink_scores() else { return Ok(scores.f_softmax(-1, None)?) };
    let sinks = match sinks.size()[1] {
        1 => sinks.f_expand([inputs.dims().heads as i64, rows.len() as i64], false)?,
        _ => sinks.f_narrow(1, rows.start as i64, rows.len() as i64)?,
    };
    let (batch, heads, _, width) = scores.size4()?;
    let sinks = sinks.f_to_kind(scores.kind())?.f_reshape([1, heads, -1, 1])?;
    let with_sinks = Tensor::f_cat(&[scores, &sinks.f_expand([batch, -1, -1, -1], false)?], -1)?;
    Ok(with_sinks.f_softmax(-1, None)?.f_narrow(-1, 0, width)?)
}

/// Blocks of rows, one after the other along the query axis.
pub fn join_rows(mut blocks: Vec<Tensor>) -> Result<Tensor> {
    match blocks.len() {
        1 => Ok(blocks.remove(0)),
        _ => Ok(Tensor::f_cat(&blocks, 2)?),
    }
}

/// `[B, Hkv, g * rows, N]`, the query heads of a group folded into rows, as `[B, H, rows, N]`.
pub fn unfold_scores(dims: &Dims, folded: &Tensor, rows: usize) -> Result<Tensor> {
    Ok(folded.f_reshape([dims.batch as i64, dims.heads as i64, rows as i64, -1])?)
}
