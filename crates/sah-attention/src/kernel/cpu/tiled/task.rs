//! Some query rows over some keys, on one thread.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::readers::{BLOCK, Readers, widen};
use super::tile::Tile;
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::source::{Group, Source};
use sah_tensor::Lines;

/// Rows of the query heads of a group that read blocks of one key/value head.
pub(super) struct Task<'a, Keys: Source, Values: Source> {
    pub(super) readers: Readers<'a>,
    pub(super) keys: &'a Keys,
    pub(super) values: &'a Values,
    pub(super) head_dim: usize,
    pub(super) value_dim: usize,
    /// Blocks of at most [`BLOCK`] keys.
    pub(super) blocks: &'a [Range<usize>],
}

impl<Keys: Source, Values: Source> WithSimd for Task<'_, Keys, Values> {
    type Output = Part;

    /// Row `i` of the part is lane `i` of the readers.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Part {
        // As many vectors as there are rows for. The sums of a product, `V R` vectors, fill three quarters of the 32
        // registers of AVX-512, and half of the 16 that others have.
        let vectors = self.readers.lanes().div_ceil(S::F32_LANES);
        match (vectors, S::REGISTER_COUNT) {
            (0 | 1, _) => self.run::<S, 1, 8>(simd),
            (2, 32..) => self.run::<S, 2, 8>(simd),
            (_, 32..) => self.run::<S, 3, 8>(simd),
            _ => self.run::<S, 2, 4>(simd),
        }
    }
}

impl<Keys: Source, Values: Source> Task<'_, Keys, Values> {
    #[inline(always)]
    fn run<S: Simd, const V: usize, const R: usize>(&self, simd: S) -> Part {
        let width = Tile::<S, V, R>::WIDTH;
        let mut tiles = self.readers.tiles::<S, V, R>(simd, (self.head_dim, self.value_dim));
        let mut scores = Lines::zeros(BLOCK * width);
        let mut gaps = Lines::zeros(2 * width);
        let mut keys = Lines::zeros(BLOCK * self.head_dim);
        let mut values = Lines::zeros(BLOCK * self.value_dim);
        let (mut of_keys, mut of_values) = (Group::default(), Group::default());
        for span in self.blocks {
            let keys = widen(self.keys, span, &mut of_keys, &mut keys);
            let values = widen(self.values, span, &mut of_values, &mut values);
            let scores = &mut scores.as_mut_slice()[..span.len() * width];
            for (rows, tile) in &mut tiles {
                if self.readers.score(simd, (rows, tile), (span, keys), &mut gaps, scores) {
                    tile.add(simd, values, scores);
                }
            }
        }
        let mut part = Part::new(self.readers.lanes(), self.value_dim);
        for (rows, tile) in tiles {
            tile.finish(rows.lanes, self.value_dim, &mut part);
        }
        part
    }
}
