//! Scores of some of the keys.

use pulp::{Simd, WithSimd};

use super::work::BLOCK;
use crate::kernel::cpu::source::{Keys, Memory, Source};
use sah_tensor::element::{Parts, ROWS};

/// Vectors of a row that are multiplied without a loop.
pub(super) const TILE: usize = 4;

/// Rows of each stream that are fetched ahead of the one at work.
const AHEAD: usize = 4;

/// Writes the scores of `keys` for `N` heads.
pub(super) struct Score<'a, K: Source, const N: usize> {
    /// Scaled and arranged, `[N, D]`.
    pub(super) queries: &'a [f32],
    pub(super) source: &'a K,
    pub(super) keys: &'a Keys<'a>,
    pub(super) memory: &'a mut Memory,
    /// `[N, BLOCK]`.
    pub(super) scores: &'a mut [f32],
}

impl<K: Source, const N: usize> WithSimd for Score<'_, K, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { queries, source, keys, memory, scores } = self;
        Queries::<S, N>::new::<K::Element>(queries).score(simd, source, keys, memory, scores);
    }
}

/// The query row of each of `N` heads, in the order in which a row of keys is read.
struct Queries<S: Simd, const N: usize> {
    tiles: Vec<[[S::f32s; TILE]; N]>,
    /// What is no whole tile.
    vectors: Vec<[S::f32s; N]>,
    /// What is no whole vector: element `p` of word `w` is number `p words + w`.
    rest: Vec<[f32; N]>,
}

impl<S: Simd, const N: usize> Queries<S, N> {
    /// `queries` are `[N, D]`, arranged for `E`.
    #[inline(always)]
    fn new<E: Parts>(queries: &[f32]) -> Self {
        let dim = queries.len() / N;
        let width = dim / E::PER_WORD;
        let queries: [&[f32]; N] = std::array::from_fn(|head| &queries[head * dim..(head + 1) * dim]);
        let part =
            |head: usize, part: usize| S::as_simd_f32s(&queries[head][part * width..(part + 1) * width]);
        let words = width / S::F32_LANES;
        // Vector number v of a row is part v % P of its words v / P.
        let vector = |head: usize, at: usize| part(head, at % E::PER_WORD).0[at / E::PER_WORD];
        let (count, tail) = (words * E::PER_WORD, width % S::F32_LANES);
        let tiles = count / TILE;
        Self {
            tiles: (0..tiles)
                .map(|tile| {
                    std::array::from_fn(|head| std::array::from_fn(|at| vector(head, tile * TILE + at)))
                })
                .collect(),
            vectors: (tiles * TILE..count).map(|at| std::array::from_fn(|head| vector(head, at))).collect(),
            rest: (0..tail * E::PER_WORD)
                .map(|at| std::array::from_fn(|head| part(head, at / tail).1[at % tail]))
                .collect(),
        }
    }

    /// Writes the scores of `keys` to `scores`, `[N, BLOCK]`.
    #[inline(always)]
    fn score<K: Source>(
        &self,
        simd: S,
        source: &K,
        keys: &Keys<'_>,
        memory: &mut Memory,
        scores: &mut [f32],
    ) {
        let count = keys.len();
        let mut start = 0;
        while start < count {
            let keys = keys.part(start..count.min(start.saturating_add(K::RUN)));
            source.prepare(&keys, memory);
            // Number n of each of ROWS parts; the last ones may be there twice.
            let part = keys.len().div_ceil(ROWS);
            for at in 0..part {
                let places: [usize; ROWS] = std::array::from_fn(|row| (at + row * part).min(keys.len() - 1));
                fetch_ahead(source, &keys, at, part);
                let rows = places.map(|place| K::Element::words(source.row(keys.key(place), place, memory)));
                let dots = self.dots::<K::Element>(simd, rows);
                for (scores, dots) in scores.chunks_exact_mut(BLOCK).zip(dots) {
                    for (place, dot) in places.into_iter().zip(dots) {
                        scores[start + place] = dot;
                    }
                }
            }
            start += keys.len();
        }
    }

    /// The products of each query with each row.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "counts in several arrays, which stay in registers")]
    fn dots<E: Parts>(&self, simd: S, rows: [(&[u32], f32); ROWS]) -> [[f32; ROWS]; N] {
        let per_tile = TILE / E::PER_WORD;
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|(row, _)| S::as_simd_u32s(row));
        let factors = rows.map(|(_, factor)| factor);
        let mut sums = [[simd.splat_f32s(0.0); ROWS]; N];
        let tiles = a.chunks_exact(per_tile).zip(b.chunks_exact(per_tile));
        let tiles = tiles.zip(c.chunks_exact(per_tile).zip(d.chunks_exact(per_tile)));
        // Loops, not closures: those would not get the instructions of `simd`.
        for (queries, ((a, b), (c, d))) in self.tiles.iter().zip(tiles) {
            for at in 0..TILE {
                let (word, part) = (at / E::PER_WORD, at % E::PER_WORD);
                let rows = [
                    E::widen_words(simd, a[word], part),
                    E::widen_words(simd, b[word], part),
                    E::widen_words(simd, c[word], part),
                    E::widen_words(simd, d[word], part),
                ];
                for head in 0..N {
                    for row in 0..ROWS {
                        sums[head][row] = simd.mul_add_f32s(rows[row], queries[head][at], sums[head][row]);
                    }
                }
            }
        }
        let first = self.tiles.len() * TILE;
        for (at, queries) in (first..).zip(&self.vectors) {
            let (word, part) = (at / E::PER_WORD, at % E::PER_WORD);
            for (row, words) in [a, b, c, d].into_iter().enumerate() {
                let words = E::widen_words(simd, words[word], part);
                for head in 0..N {
                    sums[head][row] = simd.mul_add_f32s(words, queries[head], sums[head][row]);
                }
            }
        }
        let mut dots = [[0.0; ROWS]; N];
        for head in 0..N {
            dots[head] = sum_each(simd, sums[head]);
        }
        if !a_rest.is_empty() {
            for (at, queries) in self.rest.iter().enumerate() {
                let (word, part) = (at % a_rest.len(), at / a_rest.len());
                for (row, words) in [a_rest, b_rest, c_rest, d_rest].into_iter().enumerate() {
                    for head in 0..N {
                        dots[head][row] += E::widen_word(words[word], part) * queries[head];
                    }
                }
            }
        }
        for dots in &mut dots {
            for (dot, factor) in dots.iter_mut().zip(factors) {
                *dot *= factor;
            }
        }
        dots
    }
}

/// Has the processor fetch what is read [`AHEAD`] rows after number `at` of each of [`ROWS`] parts.
#[inline(always)]
pub(super) fn fetch_ahead<K: Source>(source: &K, keys: &Keys<'_>, at: usize, part: usize) {
    if at + AHEAD < part {
        for row in 0..ROWS {
            let place = at + AHEAD + row * part;
            if place < keys.len() {
                source.prefetch(keys.key(place));
            }
        }
    }
}

/// The sums over the lanes of each vector: one transposition for four takes half as many steps as four sums.
#[inline(always)]
fn sum_each<S: Simd>(simd: S, vectors: [S::f32s; ROWS]) -> [f32; ROWS] {
    if S::F32_LANES < ROWS {
        let [a, b, c, d] = vectors;
        return [
            simd.reduce_sum_f32s(a),
            simd.reduce_sum_f32s(b),
            simd.reduce_sum_f32s(c),
            simd.reduce_sum_f32s(d),
        ];
    }
    // Each lane of four is the four vectors' sum of four lanes.
    let [a, b, c, d] = simd.deinterleave_shfl_f32s(vectors);
    let mut sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
    let mut lanes = S::F32_LANES / 2;
    while lanes >= ROWS {
        sum = simd.add_f32s(sum, simd.rotate_left_f32s(sum, lanes));
        lanes /= 2;
    }
    let sum = [sum];
    let lanes: &[f32] = pulp::bytemuck::cast_slice(&sum);
    [lanes[0], lanes[1], lanes[2], lanes[3]]
}
