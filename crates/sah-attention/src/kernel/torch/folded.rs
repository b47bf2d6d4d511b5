//! Attention of rows that share their keys.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::heads::{capped, softmax};
use crate::inputs::AttentionInputs;

/// Attention of queries `[B, Hkv, R, D]`, those of `rows`, over keys and values `[B, Hkv, U, D]` that `inputs` were folded and cut to.
/// `bias`, `[R, U]`, is added to the scores.
pub(super) fn attend_folded(
    inputs: &AttentionInputs<'_>,
    rows: Range<usize>,
    queries: &Tensor,
    (keys, values): (&Tensor, &Tensor),
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let scale = inputs.scale();
    if can_be_fused(inputs) {
        return Ok(Tensor::f_scaled_dot_product_attention(
            queries, keys, values, bias, 0.0, false, scale, false,
        )?);
    }
    let kind = inputs.score_kind();
    let scores = queries.f_to_kind(kind)?.f_mul_scalar(scale)?;
    let scores = capped(inputs, scores.f_matmul(&keys.f_to_kind(kind)?.f_transpose(-2, -1)?)?)?;
    let scores = match bias {
        Some(bias) => scores.f_add(&bias.f_to_kind(kind)?)?,
        None => scores,
    };
    let output = softmax(inputs, &scores, rows)?.f_matmul(&values.f_to_kind(kind)?)?;
    Ok(output.f_to_kind(inputs.kind())?)
}

/// Whether libtorch's fused attention computes such a layer: it neither caps scores nor takes some that belong to no key.
pub(super) fn can_be_fused(inputs: &AttentionInputs<'_>) -> bool {
    inputs.soft_cap().is_none() && inputs.sink_scores().is_none()
}
