//! Attention of rows that share their keys.

use tch::Tensor;

use crate::error::Result;
use crate::heads::capped;
use crate::inputs::AttentionInputs;

/// Attention of queries `[B, Hkv, R, D]` over keys and values `[B, Hkv, U, D]` that `inputs` were folded and cut to.
/// `bias`, `[R, U]`, is added to the scores.
pub(super) fn attend_folded(
    inputs: &AttentionInputs<'_>,
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let scale = inputs.scale();
    if inputs.soft_cap().is_none() {
        return Ok(Tensor::f_scaled_dot_product_attention(
            queries, keys, values, bias, 0.0, false, scale, false,
        )?);
    }
    // libtorch's fused attention cannot cap scores.
    let kind = inputs.score_kind();
    let scores = queries.f_to_kind(kind)?.f_mul_scalar(scale)?;
    let scores = capped(inputs, scores.f_matmul(&keys.f_to_kind(kind)?.f_transpose(-2, -1)?)?)?;
    let scores = match bias {
        Some(bias) => scores.f_add(&bias.f_to_kind(kind)?)?,
        None => scores,
    };
    let output = scores.f_softmax(-1, None)?.f_matmul(&values.f_to_kind(kind)?)?;
    Ok(output.f_to_kind(inputs.kind())?)
}
