//! Weights of all queries of a context.

use tch::{Kind, Tensor};

use super::toolkit;
use crate::error::Result;
use crate::inputs::AttentionInputs;

/// The weights that all query rows of a call give to each key, added up: `[H, K]` of `Float`. Rows are computed block by block.
///
/// ```
/// use sah_attention::AttentionInputs;
/// use sah_attention::retention::sums_of_weights;
/// use tch::Tensor;
///
/// // Two queries after one key, all scores 0: the first reads two keys, the second three.
/// let (queries, keys) = (Tensor::from_slice(&[0.0_f32; 2]), Tensor::from_slice(&[1.0_f32; 3]));
/// let (queries, keys) = (queries.view([1, 1, 2, 1]), keys.view([1, 1, 3, 1]));
/// let sums = sums_of_weights(&AttentionInputs::new(&queries, &keys, &keys, 1.0)?)?;
/// let expected = Tensor::from_slice(&[0.5_f32 + 1.0 / 3.0, 0.5 + 1.0 / 3.0, 1.0 / 3.0]);
/// assert!(sums.view([-1]).allclose(&expected, 1e-6, 1e-6, false));
/// # Ok::<(), sah_attention::Error>(())
/// ```
pub fn sums_of_weights(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let mut sums = Tensor::f_zeros([dims.heads as i64, dims.keys as i64], (Kind::Float, inputs.device()))?;
    toolkit::weights_by_rows(inputs, |weights| {
        sums = sums.f_add(&weights.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?)?;
        Ok(())
    })?;
    Ok(sums)
}
