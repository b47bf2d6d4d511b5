//! Dense causal attention: every key up to each row's position.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::fold::{attend_folded, fold_queries, join_rows, unfold_output};
use crate::kernel::rows::readable_inputs;
use crate::kernel::{fused, ranges, tiled};
use crate::mask::RowRanges;

/// Rows that are computed at once where a mask is needed, so that it stays small.
const BLOCK: usize = 512;

/// Dense causal attention `[B, H, Q, Dv]`, aligned bottom-right.
///
/// A sliding window and a soft cap of the layer are applied: "every key" means every key within the window.
///
/// On the CPU, where rows are f32, bf16, f16 or 8-bit, one row is computed as by [`FusedKernel`](crate::FusedKernel) and several
/// as by [`TiledKernel`](crate::TiledKernel). Elsewhere libtorch's attention computes a prompt (`Q = K`), one token (`Q = 1`) and
/// a chunk after earlier keys (`1 < Q < K`), the last with a mask over a block of rows. Keys and values are not copied: not
/// where they are views of a larger cache, and not once per query head. (It is up to libtorch how it shares them between
/// the heads of a group when `Q = K`.)
///
/// Where keys were evicted it is [`Error::Evicted`](crate::Error::Evicted).
///
/// ```
/// use sah_attention::{AttentionInputs, dense_attention};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let cache = Tensor::rand([1, 3, 512, 64], (Kind::Float, Device::Cpu));
/// let filled = cache.narrow(2, 0, 100);
/// let queries = Tensor::rand([1, 9, 7, 64], (Kind::Float, Device::Cpu));
/// let output = dense_attention(&AttentionInputs::new(&queries, &filled, &filled, 0.125)?)?;
/// assert_eq!(output.size(), [1, 9, 7, 64]);
/// # Ok(())
/// # }
/// ```
pub fn dense_attention(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    inputs.check_whole("dense attention")?;
    let dims = inputs.dims();
    let visible = inputs.visible();
    if dims.queries == 1 && visible.is_windowed() {
        let Range { start, end } = visible.row(0);
        let (keys, values) = inputs.stored();
        let (keys, values) = (keys.narrow(start..end)?, values.narrow(start..end)?);
        return dense_attention(&inputs.over(&keys, &values));
    }
    if readable_inputs(inputs)? {
        return if dims.queries == 1 { fused::attend(inputs, None) } else { tiled::attend_all(inputs) };
    }
    if dims.queries > 1 && (visible.is_windowed() || inputs.soft_cap().is_some()) {
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
    let output = attend_folded(inputs, &queries, &inputs.keys()?, &inputs.values()?, None)?;
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
        let output = attend_folded(inputs, &queries, &keys, &values, Some(&bias))?;
        outputs.push(unfold_output(inputs, &output, rows)?);
    }
    join_rows(outputs)
}
