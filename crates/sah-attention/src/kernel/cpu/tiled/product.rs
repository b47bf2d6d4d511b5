//! The two products of a tile, with the rows of a block of keys or values on one side.
//!
//! Query rows lie along the vectors: `V` vectors of them are a tile's width. So nothing is ever summed across a vector,
//! and the softmax of a row is arithmetic of one lane. The sums of `R` rows of the other side are held in registers at once.

use pulp::Simd;

/// Scores of a block, `[count][V]`: for each row of `keys`, `[count, D]`, its products with the queries `[D][V]`.
#[inline(always)]
pub(super) fn scores<S: Simd, const V: usize, const R: usize>(
    simd: S,
    keys: &[f32],
    queries: &[[S::f32s; V]],
    scores: &mut [[S::f32s; V]],
) {
    let dim = queries.len();
    let (blocks, rest) = scores.as_chunks_mut::<R>();
    let (block_keys, rest_keys) = keys.split_at(blocks.len() * R * dim);
    for (scores, keys) in blocks.iter_mut().zip(block_keys.chunks_exact(R * dim)) {
        *scores = few_scores::<S, V, R>(simd, keys, queries);
    }
    for (scores, keys) in rest.iter_mut().zip(rest_keys.chunks_exact(dim)) {
        [*scores] = few_scores::<S, V, 1>(simd, keys, queries);
    }
}

#[inline(always)]
fn few_scores<S: Simd, const V: usize, const R: usize>(
    simd: S,
    keys: &[f32],
    queries: &[[S::f32s; V]],
) -> [[S::f32s; V]; R] {
    let dim = queries.len();
    // A loop, and slices of slices: the compiler then knows their length and does not check every element.
    let mut rows = [keys; R];
    for (number, row) in rows.iter_mut().enumerate() {
        *row = &keys[number * dim..][..dim];
    }
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (at, queries) in queries.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(rows) {
            let key = simd.splat_f32s(row[at]);
            for (sum, query) in sums.iter_mut().zip(queries) {
                *sum = simd.mul_add_f32s(key, *query, *sum);
            }
        }
    }
    sums
}

/// Adds to `sums`, `[Dv][V]`, the rows of `values`, `[count, Dv]`, each by its `weights`, `[count][V]`.
#[inline(always)]
pub(super) fn add_weighted<S: Simd, const V: usize, const R: usize>(
    simd: S,
    values: &[f32],
    weights: &[[S::f32s; V]],
    sums: &mut [[S::f32s; V]],
) {
    let dim = sums.len();
    let (blocks, rest) = sums.as_chunks_mut::<R>();
    let start_of_rest = blocks.len() * R;
    for (number, sums) in blocks.iter_mut().enumerate() {
        add_few::<S, V, R>(simd, (values, dim, number * R), weights, sums);
    }
    for (number, sums) in rest.iter_mut().enumerate() {
        let mut one = [*sums];
        add_few::<S, V, 1>(simd, (values, dim, start_of_rest + number), weights, &mut one);
        [*sums] = one;
    }
}

/// The elements `start..start + R` of the rows of `dim` elements.
#[inline(always)]
fn add_few<S: Simd, const V: usize, const R: usize>(
    simd: S,
    (values, dim, start): (&[f32], usize, usize),
    weights: &[[S::f32s; V]],
    sums: &mut [[S::f32s; V]; R],
) {
    let mut held = *sums;
    for (row, weights) in values.chunks_exact(dim).zip(weights) {
        let row = &row[start..start + R];
        for (sums, value) in held.iter_mut().zip(row) {
            let value = simd.splat_f32s(*value);
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = simd.mul_add_f32s(value, *weight, *sum);
            }
        }
    }
    *sums = held;
}
