//! Dense causal attention: every key up to each row's position.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::heads::{fold_queries, join_rows, unfold_output};
use crate::inputs::AttentionInputs;
use crate::kernel::torch::folded::{attend_folded, can_be_fused};
use crate::kernel::torch::ranges;
use crate::mask::RowRanges;

/// Rows that are computed at once where a mask is needed, so that it stays small.
const BLOCK: usize = 512;

/// Attention `[B, H, Q, Dv]` over every key that a row may read; no key was evicted.
pub(super) fn attend(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let visible = inputs.visible();
    if visible.is_windowed() && dims.queries == 1 {
        let Range { start, end } = visible.row(0);
        let (keys, values) = inputs.stored();
        let (keys, values) = (keys.narrow(start..end)?, values.narrow(start..end)?);
        return decode(&inputs.over(&keys, &values));
    }
    if dims.queries > 1 && (visible.is_windowed() || !can_be_fused(inputs)) {
        let rows = RowRanges::from_fn(dims.queries, dims.keys, |row| visible.row(row))?;
        return ranges::attend(inputs, &rows);
    }
    match dims.queries {
        1 => decode(inputs),
        rows if rows == dims.keys => prompt(inputs),
        _ => chunk(inputs),
    }
}

/// `Q = K`.
fn prompt(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    Ok(Tensor::f_scaled_dot_product_attention(
        inputs.queries(),
        &inputs.keys()?,
        &inputs.values()?,
        None::<&Tensor>,
        0.0,
        true,
        inputs.scale(),
        inputs.dims().group() > 1,
    )?)
}

/// `Q = 1`: each key/value head is read once, for all query heads of its group.
fn decode(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let queries = fold_queries(inputs, 0, 1)?;
    let output = attend_folded(inputs, 0..1, &queries, (&inputs.keys()?, &inputs.values()?), None)?;
    unfold_output(inputs, &output, 1)
}

/// `1 < Q < K`, by a mask over a block of rows.
fn chunk(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let mut outputs = Vec::with_capacity(dims.queries.div_ceil(BLOCK));
    for start in (0..dims.queries).step_by(BLOCK) {
        let rows = BLOCK.min(dims.queries - start);
        let seen = dims.past() + start + rows;
        // Row i of the block sees keys up to seen - rows + i.
        let bias =
            Tensor::f_full([rows as i64, seen as i64], f64::NEG_INFINITY, (inputs.kind(), inputs.device()))?
                .f_triu((seen - rows) as i64 + 1)?
                .f_repeat([dims.group() as i64, 1])?;
        let queries = fold_queries(inputs, start, rows)?;
        let (keys, values) = (inputs.keys_in(0..seen)?, inputs.values_in(0..seen)?);
        let output = attend_folded(inputs, start..start + rows, &queries, (&keys, &values), Some(&bias))?;
        outputs.push(unfold_output(inputs, &output, rows)?);
    }
    join_rows(outputs)
}
