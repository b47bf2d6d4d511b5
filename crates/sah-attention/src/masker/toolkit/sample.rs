//! Sampled keys of each row as a mask.

use rayon::prelude::*;
use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{IndexList, Mask};

/// Keys of one row, each included with the probability beside it.
pub type RowSample = Vec<(usize, f32)>;

/// A sample of every row, in the order of `[B, H, Q]`: `sample(head, row)`, with the heads of all sequences counted through.
///
/// Rows are computed on all cores; `sample` must depend on its arguments only.
pub fn each_row<T: Send>(
    inputs: &AttentionInputs<'_>,
    sample: impl Fn(usize, usize) -> T + Sync + Send,
) -> Vec<T> {
    let dims = inputs.dims();
    let queries = dims.queries;
    let place = |place: usize| sample(place / queries, place % queries);
    (0..dims.batch * dims.heads * queries).into_par_iter().map(place).collect()
}

/// `previous`, and the sampled keys, none of which may be in `previous`.
pub fn add_samples(inputs: &AttentionInputs<'_>, previous: Mask, samples: &[RowSample]) -> Result<Mask> {
    let keys: Vec<Vec<i64>> =
        samples.iter().map(|sample| sample.iter().map(|&(key, _)| key as i64).collect()).collect();
    let Some(indices) = padded_rows(inputs, &keys, -1)? else { return Ok(previous) };
    let weights: Vec<Vec<f32>> =
        samples.iter().map(|sample| sample.iter().map(|&(_, probability)| probability).collect()).collect();
    let weights = padded_rows(inputs, &weights, 1.0)?;
    let list = IndexList::assume_valid(indices, weights)?;
    previous.merge(Mask::from_indices(inputs.dims().mask_shape(), list)?)
}

/// Rows of different length as `[B, H, Q, N]` on the device of the inputs; `None` where all are empty.
pub fn padded_rows<T: tch::kind::Element + Copy>(
    inputs: &AttentionInputs<'_>,
    rows: &[Vec<T>],
    padding: T,
) -> Result<Option<Tensor>> {
    let dims = inputs.dims();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    if width == 0 {
        return Ok(None);
    }
    let mut flat = Vec::with_capacity(rows.len() * width);
    for row in rows {
        flat.extend_from_slice(row);
        flat.resize(flat.len() + width - row.len(), padding);
    }
    let size = [dims.batch, dims.heads, dims.queries, width].map(|size| size as i64);
    Ok(Some(Tensor::f_from_slice(&flat)?.f_view(size)?.f_to_device(inputs.device())?))
}
