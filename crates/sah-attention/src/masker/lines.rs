//! Vertical and slash lines of attention: keys that many rows read, and distances at which they read.

use rayon::prelude::*;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::heads::capped;
use crate::inputs::AttentionInputs;
use crate::masker::toolkit::exclude_invisible;

/// What the last rows of a call give to the lines of one query head.
pub(super) struct Lines {
    /// The mean over the rows of the weight of each key, `[K]`.
    pub(super) vertical: Vec<f32>,
    /// The mean over the rows of the weight of the key at each distance, that of distance 0 last, `[K]`.
    pub(super) slash: Vec<f32>,
}

impl Lines {
    /// Those of the last `rows` rows for each query head over the batch, `B H`. Weights are softmaxes of exact scores.
    pub(super) fn of(inputs: &AttentionInputs<'_>, rows: usize) -> Result<Vec<Self>> {
        let dims = *inputs.dims();
        let (first, count) = (dims.queries - rows, dims.keys);
        let queries = inputs.queries().f_narrow(2, first as i64, rows as i64)?.f_to_kind(Kind::Float)?;
        let queries = queries.f_mul_scalar(inputs.scale())?;
        let keys = inputs.keys()?;
        let group = dims.group() as i64;
        let mut lines: Vec<Vec<Self>> = (0..dims.batch).map(|_| Vec::new()).collect();
        // A group at a time: the weights of all heads would be much memory.
        for head in 0..dims.kv_heads as i64 {
            let queries = queries.f_narrow(1, head * group, group)?;
            let keys = keys.f_narrow(1, head, 1)?.f_to_kind(Kind::Float)?;
            let scores = capped(inputs, queries.f_matmul(&keys.f_transpose(-2, -1)?)?)?;
            exclude_invisible(inputs, first..dims.queries, &scores, f64::NEG_INFINITY)?;
            let weights = Vec::<f32>::try_from(scores.f_softmax(-1, Kind::Float)?.f_reshape([-1])?)?;
            let of_heads: Vec<Self> =
                weights.par_chunks_exact(rows * count).map(|weights| Self::sum(weights, count)).collect();
            let mut of_heads = of_heads.into_iter();
            for lines in &mut lines {
                lines.extend(of_heads.by_ref().take(dims.group()));
            }
        }
        Ok(lines.into_iter().flatten().collect())
    }

    /// From `weights`, `[rows, keys]`, whose last row stands at the last key.
    fn sum(weights: &[f32], keys: usize) -> Self {
        let rows = weights.len() / keys;
        let (mut vertical, mut slash) = (vec![0.0; keys], vec![0.0; keys]);
        for (row, weights) in weights.chunks_exact(keys).enumerate() {
            add(&mut vertical, weights);
            // The row's own key is this many before the last.
            add(&mut slash[rows - 1 - row..], weights);
        }
        for sum in vertical.iter_mut().chain(&mut slash) {
            *sum /= rows as f32;
        }
        Self { vertical, slash }
    }
}

fn add(sums: &mut [f32], weights: &[f32]) {
    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
}

/// The places of the `count` largest of `weights`, in order; of equal ones the first.
pub(super) fn largest(weights: &[f32], count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..weights.len()).collect();
    let by_weight =
        |one: &usize, other: &usize| weights[*other].total_cmp(&weights[*one]).then(one.cmp(other));
    if count < places.len() {
        places.select_nth_unstable_by(count, by_weight);
        places.truncate(count);
    }
    places.sort_unstable();
    places
}

/// `queries` or `keys`, `[B, h, n, D]`, as means of blocks of `size`, `[B, h, ceil((lead + n) / size), D]` of `Float`: the first block lacks
/// its first `lead`, the last may lack some of its end.
pub(super) fn block_means(vectors: &Tensor, lead: usize, size: usize) -> Result<Tensor> {
    let (batch, heads, count, dim) = vectors.size4()?;
    let length = lead + count as usize;
    let blocks = length.div_ceil(size);
    let padded = vectors.f_to_kind(Kind::Float)?.f_constant_pad_nd([
        0,
        0,
        lead as i64,
        (blocks * size - length) as i64,
    ])?;
    let sums = padded.f_view([batch, heads, blocks as i64, size as i64, dim])?;
    let sums = sums.f_sum_dim_intlist([3i64].as_slice(), false, Kind::Float)?;
    let counts: Vec<f32> =
        (0..blocks).map(|block| (length.min((block + 1) * size) - lead.max(block * size)) as f32).collect();
    let counts = Tensor::f_from_slice(&counts)?.f_view([1, 1, -1, 1])?.f_to_device(vectors.device())?;
    Ok(sums.f_div(&counts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_columns_and_diagonals() {
        // Rows at 2 and 3 of 4 keys.
        let lines = Lines::sum(&[0.5, 0.125, 0.375, 0.0, 0.0, 0.25, 0.25, 0.5], 4);
        assert_eq!(lines.vertical, [0.25, 0.1875, 0.3125, 0.25]);
        // Distances 3 to 0: (0), (0.5 + 0.25), (0.125 + 0.25), (0.375 + 0.5), halved.
        assert_eq!(lines.slash, [0.0, 0.375, 0.1875, 0.4375]);
    }

    #[test]
    fn the_largest_are_given_in_order() {
        assert_eq!(largest(&[0.5, 2.0, 1.0, 2.0, f32::INFINITY], 3), [1, 3, 4]);
        assert_eq!(largest(&[1.0, 1.0, 1.0], 2), [0, 1]);
        assert_eq!(largest(&[1.0], 5), [0]);
    }

    #[test]
    fn means_count_what_is_there() {
        let vectors = Tensor::from_slice(&[1f32, 3.0, 5.0, 9.0]).view([1, 1, 4, 1]);
        let means = |lead, size| {
            let means = block_means(&vectors, lead, size).unwrap();
            Vec::<f32>::try_from(means.flatten(0, -1)).unwrap()
        };
        assert_eq!(means(0, 3), [3.0, 9.0]);
        assert_eq!(means(2, 3), [1.0, (3.0 + 5.0 + 9.0) / 3.0]);
    }
}
