//! What scorers and choices are made of.

use std::ops::Range;

use tch::{Kind, Tensor};

use super::LayerScores;
use crate::error::{Error, Result};
use crate::heads::softmax;
use crate::inputs::AttentionInputs;
use crate::masker::toolkit::{exact_scores, row_blocks};

/// Numbers of a tensor that are held at once.
const HELD: usize = 1 << 22;

/// The weights that the last queries give to keys, `[H, w, n]`, row block by row block: `block(first, weights)` has those of
/// the rows from `first` on.
pub(super) fn weights_by_rows(
    inputs: &AttentionInputs<'_>,
    mut block: impl FnMut(Tensor) -> Result<()>,
) -> Result<()> {
    let dims = inputs.dims();
    for rows in row_blocks(dims, dims.keys) {
        let mut scores = exact_scores(inputs, rows.clone(), 0..dims.keys)?.f_to_kind(Kind::Float)?;
        if dims.queries > 1 {
            // Row i of the block reads keys up to K - Q + first + i.
            let future = Tensor::f_full(
                [rows.len() as i64, dims.keys as i64],
                f64::NEG_INFINITY,
                (Kind::Float, inputs.device()),
            )?;
            scores = scores.f_add_(&future.f_triu((dims.past() + rows.start) as i64 + 1)?)?;
        }
        if let Some(window) = inputs.window().filter(|&window| window < dims.keys) {
            let past = Tensor::f_full(
                [rows.len() as i64, dims.keys as i64],
                f64::NEG_INFINITY,
                (Kind::Float, inputs.device()),
            )?;
            scores = scores.f_add_(&past.f_tril((dims.past() + rows.start) as i64 - window as i64)?)?;
        }
        block(softmax(inputs, &scores, rows)?.f_squeeze_dim(0)?)?;
    }
    Ok(())
}

/// The keys of the context in f32, `[Hkv, n, D]`.
pub(super) fn keys(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    Ok(inputs.keys()?.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?)
}

/// The values of the context in f32, `[Hkv, n, Dv]`.
pub(super) fn values(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    Ok(inputs.values()?.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?)
}

/// Some keys of the context in f32, `[Hkv, range, D]`.
pub(super) fn keys_in(inputs: &AttentionInputs<'_>, range: Range<usize>) -> Result<Tensor> {
    Ok(inputs.keys_in(range)?.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?)
}

/// Some values of the context in f32, `[Hkv, range, Dv]`.
pub(super) fn values_in(inputs: &AttentionInputs<'_>, range: Range<usize>) -> Result<Tensor> {
    Ok(inputs.values_in(range)?.f_to_kind(Kind::Float)?.f_squeeze_dim(0)?)
}

/// Blocks of `range` for which tensors of `width` numbers a key stay small.
pub(super) fn key_blocks(range: Range<usize>, width: usize) -> impl Iterator<Item = Range<usize>> {
    let block = (HELD / width.max(1)).max(1);
    range.clone().step_by(block).map(move |start| start..range.end.min(start + block))
}

/// Fails where a count of tokens is 0.
pub(super) fn at_least_one(field: &'static str, tokens: usize) -> Result<()> {
    if tokens == 0 {
        return Err(Error::Field { field, expected: "at least 1 token", found: "0".to_owned() });
    }
    Ok(())
}

/// Fails where a number of keys is even.
pub(super) fn odd(field: &'static str, keys: usize) -> Result<()> {
    if keys.is_multiple_of(2) {
        return Err(Error::Field { field, expected: "an odd number of keys", found: keys.to_string() });
    }
    Ok(())
}

/// Fails where a share is below 0 or above 1.
pub(super) fn share(field: &'static str, share: f64) -> Result<()> {
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::Field { field, expected: "a share from 0 to 1", found: share.to_string() });
    }
    Ok(())
}

/// Fails where a number is below 0 or is not finite.
pub(super) fn not_negative(field: &'static str, number: f64) -> Result<()> {
    if !(number >= 0.0 && number.is_finite()) {
        return Err(Error::Field { field, expected: "a number from 0", found: number.to_string() });
    }
    Ok(())
}

/// The same score for all keys of a context that is no longer than a window, whose keys stay, `[Hkv, n]`.
pub(super) fn all_of_the_window(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let size = [dims.kv_heads as i64, dims.keys as i64];
    Ok(Tensor::f_ones(size, (Kind::Float, inputs.device()))?)
}

/// The largest of `kernel` neighbours of each key, `[heads, n]`; `kernel` is odd.
pub(super) fn largest_neighbours(weights: &Tensor, kernel: usize) -> Result<Tensor> {
    let (kernel, padding) = (kernel as i64, kernel as i64 / 2);
    Ok(weights.f_unsqueeze(0)?.f_max_pool1d(kernel, 1, padding, 1, false)?.f_squeeze_dim(0)?)
}

/// Euclidean norms of `[.., D]`: `[..]`.
pub(super) fn norms(vectors: &Tensor) -> Result<Tensor> {
    Ok(vectors.f_square()?.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Float)?.f_sqrt()?)
}

/// `scores`, `[Hkv, n]`, followed by `count` keys that are worth more than any of them.
pub(super) fn followed_by_best(scores: &Tensor, count: usize) -> Result<Tensor> {
    let best = if scores.numel() == 0 { 1.0 } else { scores.f_max()?.f_double_value(&[])? + 1.0 };
    Ok(scores.f_pad([0, count as i64], "constant", best)?)
}

/// `[Hkv, n]` as `[Hkv][n]`.
pub(super) fn on_host(scores: &Tensor) -> Result<Vec<Vec<f32>>> {
    let (heads, n) = scores.size2()?;
    let all = Vec::<f32>::try_from(scores.f_to_kind(Kind::Float)?.f_contiguous()?.f_view([-1])?)?;
    Ok((0..heads).map(|head| all[(head * n) as usize..((head + 1) * n) as usize].to_vec()).collect())
}

/// The `count` keys with the largest scores, in ascending order of their numbers. Of equal scores those of later keys count.
pub(super) fn best(scores: &[f32], count: usize) -> Vec<usize> {
    let mut keys: Vec<usize> = (0..scores.len()).collect();
    if count < keys.len() {
        let better =
            |one: &usize, other: &usize| scores[*other].total_cmp(&scores[*one]).then_with(|| other.cmp(one));
        if count > 0 {
            keys.select_nth_unstable_by(count - 1, better);
        }
        keys.truncate(count);
        keys.sort_unstable();
    }
    keys
}

/// The `count` best keys of all heads, of each head in ascending order.
pub(super) fn best_of_heads(heads: &[impl AsRef<[f32]>], count: usize) -> Vec<Vec<usize>> {
    let n = heads.first().map_or(0, |head| head.as_ref().len());
    // Key by key, so that of equal scores those of later keys count.
    let all: Vec<f32> = (0..n).flat_map(|key| heads.iter().map(move |head| head.as_ref()[key])).collect();
    let mut kept = vec![Vec::new(); heads.len()];
    for at in best(&all, count) {
        kept[at % heads.len()].push(at / heads.len());
    }
    kept
}

/// A choice for each layer by itself: `choose` is given the scores of its heads and how many keys each keeps in the mean.
pub(super) fn layer_by_layer(
    layers: &[LayerScores],
    counts: &[usize],
    choose: impl Fn(&[Vec<f32>], usize) -> Vec<Vec<usize>>,
) -> Vec<Vec<Vec<usize>>> {
    layers.iter().zip(counts).map(|(layer, &count)| choose(layer.heads(), count)).collect()
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn of_equal_scores_later_ones_count() {
        assert_eq!(best(&[3.0, 1.0, 2.0, 3.0, 2.0], 3), [0, 3, 4]);
        assert_eq!(best(&[1.0; 5], 2), [3, 4]);
        assert_eq!(best(&[0.0, -0.0, f32::INFINITY], 2), [0, 2]);
        assert_eq!((best(&[1.0, 2.0], 5), best(&[1.0], 0), best(&[], 1)), (vec![0, 1], vec![], vec![]));
    }
}
