//! Dense causal attention: every key up to each row's position.

use std::ops::Range;

use tch::{Device, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::fold::{attend_folded, fold_queries, join_rows, unfold_output};
use crate::mask::RowRanges;

/// Rows that are computed at once where a mask is needed, so that it stays small.
const BLOCK: usize = 512;

/// Dense causal attention `[B, H, Q, Dv]`, aligned bottom-right.
///
/// A sliding window and a soft cap of the layer are applied: "every key" means every key within the window.
///
/// A prompt (`Q = K`), one token (`Q = 1`) and a chunk after earlier keys (`1 < Q < K`) are computed differently. Keys and
/// values are not copied: not where they are views of a larger cache, and not once per query head. (On a device other
/// than the CPU it is up to libtorch how it shares them between the heads of a group when `Q = K`.)
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
    let dims = inputs.dims();
    let visible = inputs.visible();
    if dims.queries == 1 && visible.is_windowed() {
        let Range { start, end } = visible.row(0);
        let recent = |cache: &Tensor| cache.f_narrow(2, start as i64, (end - start) as i64);
        let (keys, values) = (recent(inputs.keys())?, recent(inputs.values())?);
        return dense_attention(&inputs.over(&keys, &values));
    }
    if dims.queries == 1 && super::fused::supports(inputs)? {
        return super::fused::attend(inputs, None);
    }
    if dims.queries > 1 && (visible.is_windowed() || inputs.soft_cap().is_some()) {
        let rows = RowRanges::from_fn(dims.queries, dims.keys, |row| visible.row(row))?;
        return super::ranges::attend(inputs, &rows);
    }
    let parts = supports_parts(inputs)?;
    match dims.queries {
        1 => decode(inputs),
        rows if rows == dims.keys => prompt(inputs, parts),
        _ if parts => chunk_in_parts(inputs),
        _ => chunk(inputs),
    }
}

/// Whether libtorch's CPU kernel, which has no soft cap and returns the log-sum-exp that joins part results, takes these inputs: keys and
/// values of one width, and vectors whose elements lie side by side. It does not check the latter itself.
fn supports_parts(inputs: &AttentionInputs<'_>) -> Result<bool> {
    let dims = inputs.dims();
    if inputs.device() != Device::Cpu || dims.head_dim != dims.value_dim || inputs.soft_cap().is_some() {
        return Ok(false);
    }
    for tensor in [inputs.queries(), inputs.keys(), inputs.values()] {
        if tensor.stride4()?.3 != 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `Q = K`.
fn prompt(inputs: &AttentionInputs<'_>, parts: bool) -> Result<Tensor> {
    let dims = inputs.dims();
    if parts {
        let (queries, keys, values) = expand(inputs)?;
        let (output, _) = flash(&queries, &keys, &values, true, inputs.scale())?;
        return unfold_output(inputs, &output, dims.queries);
    }
    let grouped = dims.group() > 1;
    Ok(Tensor::f_scaled_dot_product_attention(
        inputs.queries(),
        inputs.keys(),
        inputs.values(),
        None::<&Tensor>,
        0.0,
        true,
        inputs.scale(),
        grouped,
    )?)
}

/// `Q = 1`: each key/value head is read once, for all query heads of its group.
fn decode(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let queries = fold_queries(inputs, 0, 1)?;
    let output = attend_folded(inputs, &queries, inputs.keys(), inputs.values(), None)?;
    unfold_output(inputs, &output, 1)
}

/// `1 < Q < K`: the earlier keys, which every row sees whole, and the chunk's own keys, which are square and causal.
fn chunk_in_parts(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let (queries, keys, values) = expand(inputs)?;
    let (past, own) = (dims.past() as i64, dims.queries as i64);
    let attend = |start: i64, length: i64, causal: bool| {
        flash(
            &queries,
            &keys.f_narrow(2, start, length)?,
            &values.f_narrow(2, start, length)?,
            causal,
            inputs.scale(),
        )
    };
    let (earlier, earlier_lse) = attend(0, past, false)?;
    let (own, own_lse) = attend(past, own, true)?;
    let output = Tensor::f_stack(&[earlier, own], 0)?;
    let lse = Tensor::f_stack(&[earlier_lse, own_lse], 0)?;
    unfold_output(inputs, &combine(&output, &lse, inputs)?, dims.queries)
}

/// `1 < Q < K` on any device, by a mask over a block of rows.
fn chunk(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let mut outputs = Vec::with_capacity(dims.queries.div_ceil(BLOCK));
    for start in (0..dims.queries).step_by(BLOCK) {
        let rows = BLOCK.min(dims.queries - start);
        let seen = (dims.past() + start + rows) as i64;
        // Row i of the block sees keys up to seen - rows + i.
        let bias = Tensor::f_full([rows as i64, seen], f64::NEG_INFINITY, (inputs.kind(), inputs.device()))?
            .f_triu(seen - rows as i64 + 1)?
            .f_repeat([dims.group() as i64, 1])?;
        let queries = fold_queries(inputs, start, rows)?;
        let keys = inputs.keys().f_narrow(2, 0, seen)?;
        let values = inputs.values().f_narrow(2, 0, seen)?;
        let output = attend_folded(inputs, &queries, &keys, &values, Some(&bias))?;
        outputs.push(unfold_output(inputs, &output, rows)?);
    }
    join_rows(outputs)
}

/// Queries `[B * Hkv, g, Q, D]`, and keys and values as if repeated for the `g` heads of a group, by a stride of 0.
fn expand(inputs: &AttentionInputs<'_>) -> Result<(Tensor, Tensor, Tensor)> {
    let dims = inputs.dims();
    let [heads, group, rows, keys] =
        [dims.batch * dims.kv_heads, dims.group(), dims.queries, dims.keys].map(|size| size as i64);
    let repeat =
        |cache: &Tensor| cache.f_reshape([heads, 1, keys, -1])?.f_expand([heads, group, keys, -1], false);
    let queries = inputs.queries().f_reshape([heads, group, rows, -1])?;
    Ok((queries, repeat(inputs.keys())?, repeat(inputs.values())?))
}

/// Attention and the log-sum-exp of its scores, by libtorch's CPU kernel.
fn flash(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    causal: bool,
    scale: f64,
) -> Result<(Tensor, Tensor)> {
    Ok(Tensor::f_internal_scaled_dot_product_flash_attention_for_cpu(
        queries,
        keys,
        values,
        0.0,
        causal,
        None::<&Tensor>,
        scale,
    )?)
}

/// Attention over all keys from attention over parts of them: `outputs` `[P, .., rows, Dv]` weighted by the softmax over
/// the parts of `lse` `[P, .., rows]`.
fn combine(outputs: &Tensor, lse: &Tensor, inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let weights = lse.f_softmax(0, None)?.f_unsqueeze(-1)?;
    let output = outputs.f_mul(&weights)?.f_sum_dim_intlist([0i64].as_slice(), false, None)?;
    Ok(output.f_to_kind(inputs.kind())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_gives_the_same_as_parts() {
        tch::manual_seed(5);
        let tensor = |heads, count| Tensor::randn([2, heads, count, 16], (tch::Kind::Float, Device::Cpu));
        for (rows, count) in [(2, 3), (40, 41), (600, 1000)] {
            let (queries, keys, values) = (tensor(6, rows), tensor(2, count), tensor(2, count));
            let inputs = AttentionInputs::new(&queries, &keys, &values, 0.25).unwrap();
            let difference = chunk(&inputs).unwrap() - chunk_in_parts(&inputs).unwrap();
            let error = difference.abs().max().double_value(&[]);
            assert!(error < 1e-5, "{rows} rows of {count}: {error}");
        }
    }
}
