//! Query rows that lie along vectors, and what they have read so far.

use std::ops::Range;

use pulp::{Simd, bytemuck};

use super::product;
use crate::kernel::cpu::part::Part;
use sah_tensor::Lines;
use sah_tensor::exp::exp;

/// Below every score, and finite: differences to it are numbers.
pub(super) const LOWEST: f32 = f32::MIN / 4.0;

/// Up to `V` vectors of query rows. Products hold the sums of `R` keys, or elements of values, in registers.
pub(super) struct Tile<S: Simd, const V: usize, const R: usize> {
    /// Scaled, `[D][V]`.
    queries: Lines,
    /// Largest scores.
    max: [S::f32s; V],
    /// Sums of `exp(score - max)`.
    sum: [S::f32s; V],
    /// Values weighted by `exp(score - max)`, `[Dv][V]`.
    weighted: Lines,
}

impl<S: Simd, const V: usize, const R: usize> Tile<S, V, R> {
    /// Rows that it has room for.
    pub(super) const WIDTH: usize = V * S::F32_LANES;

    /// A tile of `rows`, each `[D]`, at most [`Tile::WIDTH`] of them; values have `value_dim` elements.
    #[inline(always)]
    pub(super) fn new<'a>(
        simd: S,
        rows: impl Iterator<Item = &'a [f32]>,
        scale: f32,
        (head_dim, value_dim): (usize, usize),
    ) -> Self {
        let mut queries = Lines::zeros(head_dim * Self::WIDTH);
        let packed = queries.as_mut_slice();
        for (lane, row) in rows.enumerate() {
            for (packed, element) in packed[lane..].iter_mut().step_by(Self::WIDTH).zip(row) {
                *packed = scale * element;
            }
        }
        Self {
            queries,
            max: [simd.splat_f32s(LOWEST); V],
            sum: [simd.splat_f32s(0.0); V],
            weighted: Lines::zeros(value_dim * Self::WIDTH),
        }
    }

    /// Writes the scores of `keys`, `[count, D]`: `[count][V]`.
    #[inline(always)]
    pub(super) fn score(&self, simd: S, keys: &[f32], scores: &mut [f32]) {
        let queries = vectors::<S, V>(self.queries.as_slice());
        product::scores::<S, V, R>(simd, keys, queries, vectors_mut::<S, V>(scores));
    }

    /// Takes from each row the keys from its place in the first half of `gaps` to that in the second, `[2][V]`, of those of `scores`,
    /// `[count][V]`: a key that a row does not read has a score of `-inf`.
    #[inline(always)]
    pub(super) fn hide(simd: S, gaps: &Lines, scores: &mut [f32]) {
        let [starts, ends] = vectors::<S, V>(gaps.as_slice()) else { unreachable!("gaps begin and end") };
        let hidden = simd.splat_f32s(f32::NEG_INFINITY);
        for (key, scores) in vectors_mut::<S, V>(scores).iter_mut().enumerate() {
            let key = simd.splat_f32s(key as f32);
            for (score, (start, end)) in scores.iter_mut().zip(starts.iter().zip(ends)) {
                let (after, before) =
                    (simd.less_than_or_equal_f32s(*start, key), simd.less_than_f32s(key, *end));
                *score = simd.select_f32s(simd.and_m32s(after, before), hidden, *score);
            }
        }
    }

    /// Adds `values`, `[count, Dv]`, by the weights that the scores of their keys, `[count][V]`, turn into.
    #[inline(always)]
    pub(super) fn add(&mut self, simd: S, values: &[f32], scores: &mut [f32]) {
        let weights = vectors_mut::<S, V>(scores);
        self.weigh(simd, weights);
        let weighted = vectors_mut::<S, V>(self.weighted.as_mut_slice());
        product::add_weighted::<S, V, R>(simd, values, weights, weighted);
    }

    /// Turns scores into weights, after making room for them: what is there is scaled to the new maximum.
    #[inline(always)]
    fn weigh(&mut self, simd: S, scores: &mut [[S::f32s; V]]) {
        let (before, mut max, mut sum) = (self.max, self.max, self.sum);
        raise(simd, &mut max, scores);
        if floats::<S>(&before) != floats::<S>(&max) {
            let mut factors = before;
            for ((factor, max), sum) in factors.iter_mut().zip(&max).zip(&mut sum) {
                *factor = exp(simd, simd.sub_f32s(*factor, *max));
                *sum = simd.mul_f32s(*sum, *factor);
            }
            for weighted in vectors_mut::<S, V>(self.weighted.as_mut_slice()) {
                for (weighted, factor) in weighted.iter_mut().zip(&factors) {
                    *weighted = simd.mul_f32s(*weighted, *factor);
                }
            }
        }
        exponentiate(simd, &max, scores, &mut sum);
        (self.max, self.sum) = (max, sum);
    }

    /// Writes what the tile has to the rows `rows` of `part`.
    pub(super) fn finish(&self, rows: Range<usize>, value_dim: usize, part: &mut Part) {
        let (max, sum) = (floats::<S>(&self.max), floats::<S>(&self.sum));
        part.max[rows.clone()].copy_from_slice(&max[..rows.len()]);
        part.sum[rows.clone()].copy_from_slice(&sum[..rows.len()]);
        let weighted = self.weighted.as_slice();
        let rows = part.weighted[rows.start * value_dim..rows.end * value_dim].chunks_exact_mut(value_dim);
        for (lane, row) in rows.enumerate() {
            for (element, weighted) in row.iter_mut().zip(weighted[lane..].iter().step_by(Self::WIDTH)) {
                *element = *weighted;
            }
        }
    }
}

/// Raises the maximum of each row to the largest of its `scores`, `[count][V]`.
#[inline(always)]
pub(super) fn raise<S: Simd, const V: usize>(simd: S, max: &mut [S::f32s; V], scores: &[[S::f32s; V]]) {
    // What the loop changes is held in registers.
    let mut held = *max;
    for scores in scores {
        for (max, score) in held.iter_mut().zip(scores) {
            *max = simd.max_f32s(*max, *score);
        }
    }
    *max = held;
}

/// Turns scores, `[count][V]`, into `exp(score - max)`, and adds these to `sum`.
#[inline(always)]
pub(super) fn exponentiate<S: Simd, const V: usize>(
    simd: S,
    max: &[S::f32s; V],
    scores: &mut [[S::f32s; V]],
    sum: &mut [S::f32s; V],
) {
    let (max, mut held) = (*max, *sum);
    for scores in scores {
        for ((score, max), sum) in scores.iter_mut().zip(&max).zip(&mut held) {
            *score = exp(simd, simd.sub_f32s(*score, *max));
            *sum = simd.add_f32s(*sum, *score);
        }
    }
    *sum = held;
}

#[inline(always)]
fn vectors<S: Simd, const V: usize>(floats: &[f32]) -> &[[S::f32s; V]] {
    S::as_simd_f32s(floats).0.as_chunks().0
}

#[inline(always)]
pub(super) fn vectors_mut<S: Simd, const V: usize>(floats: &mut [f32]) -> &mut [[S::f32s; V]] {
    S::as_mut_simd_f32s(floats).0.as_chunks_mut().0
}

#[inline(always)]
fn floats<S: Simd>(vectors: &[S::f32s]) -> &[f32] {
    bytemuck::cast_slice(vectors)
}
