//! Weighted sums of some of the values.

use pulp::{Simd, WithSimd};

use super::scores::{TILE, fetch_ahead};
use super::work::BLOCK;
use crate::kernel::cpu::source::{Keys, Memory, Source};
use sah_tensor::element::{Element as _, Parts as _, ROWS};

/// Adds the values of `keys` by their weights for `N` heads.
pub(super) struct AddValues<'a, V: Source, const N: usize> {
    pub(super) source: &'a V,
    pub(super) keys: &'a Keys<'a>,
    pub(super) memory: &'a mut Memory,
    /// `[N, BLOCK]`.
    pub(super) weights: &'a [f32],
    /// `[N, Dv]`, arranged.
    pub(super) sums: &'a mut [f32],
}

impl<V: Source, const N: usize> WithSimd for AddValues<'_, V, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, keys, memory, weights, sums } = self;
        let per_word = V::Element::PER_WORD;
        let width = sums.len() / N / per_word;
        let (words, per_tile) = (width / S::F32_LANES, TILE / per_word);
        let count = keys.len();
        let mut start = 0;
        while start < count {
            let keys = keys.part(start..count.min(start.saturating_add(V::RUN)));
            source.prepare(&keys, memory);
            let weights = &weights[start..];
            let rows = Weighted { source, keys: &keys, memory, weights };
            // Sums of a tile stay in registers.
            for tile in 0..words / per_tile {
                rows.add_tile::<S, N>(simd, tile, width, sums);
            }
            for word in words / per_tile * per_tile..words {
                rows.add_words::<S, N>(simd, word, width, sums);
            }
            for word in words * S::F32_LANES..width {
                rows.add_word::<N>(word, width, sums);
            }
            start += keys.len();
        }
    }
}

/// Rows that are ready, and their weights.
struct Weighted<'a, V: Source> {
    source: &'a V,
    keys: &'a Keys<'a>,
    memory: &'a Memory,
    /// That of head `h` for row `r` is number `h BLOCK + r`.
    weights: &'a [f32],
}

impl<V: Source> Weighted<'_, V> {
    /// The words of row `at`, and what its elements are multiplied by.
    #[inline(always)]
    fn row(&self, at: usize) -> (&[u32], f32) {
        V::Element::words(self.source.row(self.keys.key(at), at, self.memory))
    }

    /// Adds [`TILE`] vectors of each row, those of tile `tile`.
    #[inline(always)]
    fn add_tile<S: Simd, const N: usize>(&self, simd: S, tile: usize, width: usize, sums: &mut [f32]) {
        let per_word = V::Element::PER_WORD;
        let per_tile = TILE / per_word;
        let mut tiles = [[simd.splat_f32s(0.0); TILE]; N];
        let part = self.keys.len() / ROWS;
        for at in 0..part {
            if tile == 0 {
                fetch_ahead(self.source, self.keys, at, part);
            }
            for row in 0..ROWS {
                self.add_row(simd, at + row * part, tile, &mut tiles);
            }
        }
        for place in ROWS * part..self.keys.len() {
            self.add_row(simd, place, tile, &mut tiles);
        }
        for (sums, tiles) in sums.chunks_exact_mut(width * per_word).zip(tiles) {
            for (at, added) in tiles.into_iter().enumerate() {
                let (word, part) = (tile * per_tile + at / per_word, at % per_word);
                let sum = &mut S::as_mut_simd_f32s(&mut sums[part * width..(part + 1) * width]).0[word];
                *sum = simd.add_f32s(*sum, added);
            }
        }
    }

    /// Adds tile `tile` of row `place` to `tiles`.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "counts in several arrays, which stay in registers")]
    fn add_row<S: Simd, const N: usize>(
        &self,
        simd: S,
        place: usize,
        tile: usize,
        tiles: &mut [[S::f32s; TILE]; N],
    ) {
        let per_tile = TILE / V::Element::PER_WORD;
        let (words, factor) = self.row(place);
        let words = &S::as_simd_u32s(words).0[tile * per_tile..(tile + 1) * per_tile];
        let mut weights = [simd.splat_f32s(0.0); N];
        for head in 0..N {
            weights[head] = simd.splat_f32s(factor * self.weights[head * BLOCK + place]);
        }
        for at in 0..TILE {
            let (word, part) = (at / V::Element::PER_WORD, at % V::Element::PER_WORD);
            let values = V::Element::widen_words(simd, words[word], part);
            for head in 0..N {
                tiles[head][at] = simd.mul_add_f32s(weights[head], values, tiles[head][at]);
            }
        }
    }

    /// Adds the vector of words `word` of each row.
    #[inline(always)]
    fn add_words<S: Simd, const N: usize>(&self, simd: S, word: usize, width: usize, sums: &mut [f32]) {
        let per_word = V::Element::PER_WORD;
        for place in 0..self.keys.len() {
            let (words, factor) = self.row(place);
            let words = S::as_simd_u32s(words).0[word];
            for (head, sums) in sums.chunks_exact_mut(width * per_word).enumerate() {
                let weight = simd.splat_f32s(factor * self.weights[head * BLOCK + place]);
                for part in 0..per_word {
                    let sum = &mut S::as_mut_simd_f32s(&mut sums[part * width..(part + 1) * width]).0[word];
                    *sum = simd.mul_add_f32s(weight, V::Element::widen_words(simd, words, part), *sum);
                }
            }
        }
    }

    /// Adds word `word` of each row.
    #[inline(always)]
    fn add_word<const N: usize>(&self, word: usize, width: usize, sums: &mut [f32]) {
        let per_word = V::Element::PER_WORD;
        for place in 0..self.keys.len() {
            let (words, factor) = self.row(place);
            for (head, sums) in sums.chunks_exact_mut(width * per_word).enumerate() {
                let weight = factor * self.weights[head * BLOCK + place];
                for part in 0..per_word {
                    sums[part * width + word] += weight * V::Element::widen_word(words[word], part);
                }
            }
        }
    }
}
