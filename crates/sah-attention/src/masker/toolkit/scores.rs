//! Exact scores of keys, as the layer's attention computes them.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::heads::{capped, fold_queries, fold_rows, unfold_scores};
use crate::inputs::{AttentionInputs, Dims};

/// Elements of a `[B, H, rows, K]` tensor that are held at once.
const HELD: usize = 1 << 22;

/// Blocks of query rows for which `[B, H, rows, width]` stays small.
pub fn row_blocks(dims: &Dims, width: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let queries = dims.queries;
    let block = (HELD / (dims.batch * dims.heads * width).max(1)).clamp(1, queries);
    (0..queries).step_by(block).map(move |start| start..queries.min(start + block))
}

/// Scores of query rows `rows` over the keys `keys`, `[B, H, rows, len]`: scaled, and capped where the layer caps them.
pub fn exact_scores(inputs: &AttentionInputs<'_>, rows: Range<usize>, keys: Range<usize>) -> Result<Tensor> {
    let queries = scaled_queries(inputs, rows.clone())?;
    let keys = inputs.keys_in(keys)?.f_to_kind(inputs.score_kind())?;
    let scores = capped(inputs, queries.f_matmul(&keys.f_transpose(-2, -1)?)?)?;
    unfold_scores(inputs.dims(), &scores, rows.len())
}

/// Scores of query rows `rows` over the keys `indices`, `[B, H, Q, N]`: `[B, H, rows, N]`. Those of padding mean nothing.
pub fn exact_scores_at(inputs: &AttentionInputs<'_>, rows: Range<usize>, indices: &Tensor) -> Result<Tensor> {
    let queries = scaled_queries(inputs, rows.clone())?;
    let indices = fold_rows(inputs, indices, rows.start, rows.len())?.f_clamp_min(0)?;
    let keys = inputs.keys_at(&indices)?.f_to_kind(inputs.score_kind())?;
    let scores = queries.f_unsqueeze(-2)?.f_matmul(&keys.f_transpose(-2, -1)?)?.f_squeeze_dim(-2)?;
    unfold_scores(inputs.dims(), &capped(inputs, scores)?, rows.len())
}

fn scaled_queries(inputs: &AttentionInputs<'_>, rows: Range<usize>) -> Result<Tensor> {
    let queries = fold_queries(inputs, rows.start, rows.len())?;
    Ok(queries.f_to_kind(inputs.score_kind())?.f_mul_scalar(inputs.scale())?)
}
