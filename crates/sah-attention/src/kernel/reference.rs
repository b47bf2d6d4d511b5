//! The oracle: attention with the weights of the mask as a dense tensor, in a few readable lines.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{Kernel, Reads};
use crate::mask::Mask;

/// The readable kernel that the others are tested against.
///
/// It computes in `Float` (`Double` for `Double` inputs) whatever the kind of the inputs, over a `[B, H, Q, K]` tensor of
/// weights. The row maximum that keeps the exponentials in range is taken over what is selected, so that a selection far
/// below the best key does not underflow.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferenceKernel;

impl Kernel for ReferenceKernel {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        reads.check(inputs)?;
        let dims = inputs.dims();
        let kind = inputs.score_kind();
        let group = dims.group() as i64;
        let per_query_head =
            |tensor: &Tensor| tensor.f_to_kind(kind)?.f_repeat_interleave_self_int(group, 1, None);
        let keys = per_query_head(&inputs.keys()?)?;
        let values = per_query_head(&inputs.values()?)?;

        let weights = match reads {
            Reads::All => readable(inputs)?.f_to_kind(kind)?,
            Reads::Mask(mask) => {
                mask.to_dense(inputs.device())?.f_to_kind(kind)?.f_mul(&readable(inputs)?)?
            }
            Reads::Ranges(ranges) => {
                let mask = Mask::from_ranges(dims.mask_shape(), ranges.clone())?;
                mask.to_dense(inputs.device())?.f_to_kind(kind)?
            }
        };
        let selected = weights.f_gt(0.0)?;

        let mut scores = inputs
            .queries()
            .f_to_kind(kind)?
            .f_matmul(&keys.f_transpose(-2, -1)?)?
            .f_mul_scalar(inputs.scale())?;
        if let Some(cap) = inputs.soft_cap() {
            scores = scores.f_div_scalar(cap)?.f_tanh()?.f_mul_scalar(cap)?;
        }
        let scores = scores.f_masked_fill(&selected.f_logical_not()?, f64::NEG_INFINITY)?;
        let sinks = match inputs.sink_scores() {
            Some(sinks) => sinks.f_to_kind(kind)?.f_unsqueeze(-1)?,
            None => Tensor::f_full([1, 1, 1], f64::NEG_INFINITY, (kind, inputs.device()))?,
        };
        let max = scores.f_amax([-1i64].as_slice(), true)?.f_maximum(&sinks)?;
        let exponentials = scores.f_sub(&max)?.f_exp()?;
        let weighted = exponentials.f_div(&weights.f_where_self(&selected, &weights.f_ones_like()?)?)?;

        let numerator = weighted.f_matmul(&values)?;
        let denominator = weighted.f_sum_dim_intlist([-1i64].as_slice(), true, kind)?;
        let denominator = denominator.f_add(&sinks.f_sub(&max)?.f_exp()?)?;
        Ok(numerator.f_div(&denominator)?.f_to_kind(inputs.kind())?)
    }
}

/// Where a row may read a key, `[Q, K]` of `Bool`.
fn readable(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    // A row, whose key is one of the last Q, reads keys up to its position, and no further back than the window.
    let positions = inputs.positions().to_tensor(dims.keys, inputs.device())?;
    let rows = positions.f_narrow(0, dims.past() as i64, dims.queries as i64)?.f_unsqueeze(1)?;
    let mut seen = positions.f_le_tensor(&rows)?;
    if let Some(window) = inputs.window().filter(|&window| window < inputs.length()) {
        seen = seen.f_logical_and(&positions.f_gt_tensor(&rows.f_sub_scalar(window as i64)?)?)?;
    }
    Ok(seen)
}
