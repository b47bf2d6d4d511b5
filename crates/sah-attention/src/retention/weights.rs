//! Weights of all queries of a context.

use tch::{Kind, Tensor};

use super::toolkit;
use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{OverRows, readable_inputs, weights_over_rows};

/// The weights that all query rows of a call give to each key, added up: `[H, K]` of `Float`, of one sequence. Only the weights of a block
/// of rows are held at once.
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
    if readable_inputs(inputs)? { weights_over_rows(inputs, OverRows::Sum) } else { sums_by_rows(inputs) }
}

/// The largest weight that a query row of a call gives to each key: `[H, K]` of `Float`.
pub(super) fn largest_weights(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    if readable_inputs(inputs)? {
        weights_over_rows(inputs, OverRows::Largest)
    } else {
        largest_by_rows(inputs)
    }
}

/// [`sums_of_weights`] by libtorch, on any device.
fn sums_by_rows(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    over_blocks(inputs, |sums, weights| {
        Ok(sums.f_add(&weights.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?)?)
    })
}

/// [`largest_weights`] by libtorch, on any device.
fn largest_by_rows(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    over_blocks(inputs, |largest, weights| Ok(largest.f_maximum(&weights.f_amax([1i64].as_slice(), false)?)?))
}

/// Zeros, `[H, K]`, after `with` has taken the weights of each block of rows, `[H, rows, K]`, into them.
fn over_blocks(
    inputs: &AttentionInputs<'_>,
    with: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let dims = inputs.dims();
    let mut all = Tensor::f_zeros([dims.heads as i64, dims.keys as i64], (Kind::Float, inputs.device()))?;
    toolkit::weights_by_rows(inputs, |weights| {
        all = with(&all, &weights)?;
        Ok(())
    })?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{largest_by_rows, largest_weights, sums_by_rows, sums_of_weights};
    use crate::{AttentionInputs, KvFormat, KvRows, Result};

    /// Rows of random keys, `[1, heads, count, dim]`.
    fn rows(heads: i64, count: i64, dim: i64, format: KvFormat) -> KvRows {
        let rows = KvRows::empty([1, heads, count, dim], format, Device::Cpu).unwrap();
        rows.store_at(0, &Tensor::randn([1, heads, count, dim], (Kind::Float, Device::Cpu))).unwrap();
        rows
    }

    #[test]
    fn the_tiled_kernel_gives_what_libtorch_gives() {
        tch::manual_seed(19);
        let plain = [Kind::Float, Kind::BFloat16, Kind::Half].map(KvFormat::Plain);
        let formats = plain.into_iter().chain([KvFormat::Int8]);
        let shapes = [(1, 1, 1), (1, 7, 7), (2, 100, 100), (3, 130, 517), (3, 64, 300), (4, 1, 1000)];
        for (number, format) in formats.enumerate() {
            for (group, queries, keys) in shapes {
                for (window, soft_cap) in
                    [(None, None), (Some(40), None), (None, Some(2.0)), (Some(1), Some(0.5))]
                {
                    let (kv_heads, dim) = (2, 24 + 8 * number as i64);
                    let stored = rows(kv_heads, keys, dim, format);
                    let size = [1, kv_heads * group, queries, dim];
                    let asked = Tensor::randn(size, (Kind::Float, Device::Cpu)) * 2.0;
                    let sinks = Tensor::randn([kv_heads * group, 1], (Kind::Float, Device::Cpu)) * 3.0;
                    let sinks = window.map(|_| &sinks);
                    let check = || -> Result<()> {
                        let inputs = AttentionInputs::new(&asked, &stored, &stored, 0.3)?;
                        let inputs =
                            inputs.with_window(window)?.with_soft_cap(soft_cap)?.with_sink_scores(sinks)?;
                        let case = format!("{format} {group} {queries} {keys} {window:?} {soft_cap:?}");
                        let (found, expected) = (sums_of_weights(&inputs)?, sums_by_rows(&inputs)?);
                        assert_eq!(found.size(), [kv_heads * group, keys]);
                        assert!(
                            found.f_allclose(&expected, 1e-4, 1e-6, false)?,
                            "{case}: {found} {expected}"
                        );
                        let (found, expected) = (largest_weights(&inputs)?, largest_by_rows(&inputs)?);
                        assert!(
                            found.f_allclose(&expected, 1e-4, 1e-7, false)?,
                            "{case}: {found} {expected}"
                        );
                        Ok(())
                    };
                    check().unwrap();
                }
            }
        }
    }
}
