//! Some query rows over some keys, on one thread.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::gathered::Gathered;
use super::readers::{BLOCK, Readers, TileRows, widen};
use super::tile::Tile;
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::source::{Group, Source};
use crate::mask::Visible;
use sah_tensor::Lines;

/// Rows of query heads that read blocks of one key/value head.
pub(super) struct Task<'a, Keys: Source, Values: Source> {
    pub(super) readers: Readers<'a>,
    pub(super) keys: &'a Keys,
    pub(super) values: &'a Values,
    pub(super) head_dim: usize,
    pub(super) value_dim: usize,
    /// What rows may read of gathered keys.
    pub(super) visible: &'a Visible,
    pub(super) blocks: &'a [Block],
}

/// At most [`BLOCK`] keys that are read at once.
pub(super) enum Block {
    /// Keys side by side, of which each row reads those in its ranges.
    Span(Range<usize>),
    /// Keys of which each row reads all that it may.
    Gathered(Gathered),
}

impl Block {
    fn length(&self) -> usize {
        match self {
            Self::Span(span) => span.len(),
            Self::Gathered(gathered) => gathered.length(),
        }
    }

    /// The keys' rows of a cache in f32, `[length, dim]`, in `memory` for [`BLOCK`] of them.
    #[inline(always)]
    fn widen<'a>(&self, source: &impl Source, group: &mut Group, memory: &'a mut Lines) -> &'a [f32] {
        match self {
            Self::Span(span) => widen(source, span, group, memory),
            Self::Gathered(gathered) => gathered.widen(source, group, memory),
        }
    }

    /// Whether the rows of a tile all read all of the keys; `None` where none reads any of them.
    fn is_read_whole(&self, readers: &Readers<'_>, visible: &Visible, rows: &TileRows) -> Option<bool> {
        match self {
            Self::Span(span) => readers.reads(rows, span),
            Self::Gathered(gathered) => gathered.is_seen_whole(&rows.rows, visible),
        }
    }

    /// How many times rows of a tile may not read keys that lie side by side.
    fn most_gaps(&self, readers: &Readers<'_>, rows: &TileRows) -> usize {
        match self {
            Self::Span(_) => readers.most_ranges(&rows.rows) + 1,
            Self::Gathered(_) => Gathered::MOST_GAPS,
        }
    }

    /// Where gap number `number` of each lane's row begins and ends, counted from the first key: all beginnings, then all ends. Whether
    /// there is a gap.
    fn find_gaps(
        &self,
        number: usize,
        readers: &Readers<'_>,
        visible: &Visible,
        rows: &TileRows,
        gaps: &mut [f32],
    ) -> bool {
        match self {
            Self::Span(span) => readers.find_gaps(number, &rows.lanes, span, gaps),
            Self::Gathered(gathered) => {
                let group = readers.queries.len();
                let row_of = |lane: usize| readers.rows.start + lane / group;
                gathered.find_gaps(number, rows.lanes.clone().map(row_of), visible, gaps)
            }
        }
    }
}

impl<Keys: Source, Values: Source> WithSimd for Task<'_, Keys, Values> {
    type Output = Part;

    /// Row `i` of the part is lane `i` of the readers.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Part {
        // As many vectors as there are rows for. The sums of a product, `V R` vectors, fill three quarters of the 32
        // registers of AVX-512, and half of the 16 that others have. Two thirds of them where fewer lanes are then empty: blocks of rows
        // have powers of two.
        let vectors = self.readers.lanes().div_ceil(S::F32_LANES);
        let two_fit_better = vectors.next_multiple_of(2) < vectors.next_multiple_of(3);
        match (vectors, S::REGISTER_COUNT) {
            (0 | 1, _) => self.run::<S, 1, 8>(simd),
            (_, 32..) if two_fit_better => self.run::<S, 2, 8>(simd),
            (_, 32..) => self.run::<S, 3, 8>(simd),
            _ => self.run::<S, 2, 4>(simd),
        }
    }
}

impl<Keys: Source, Values: Source> Task<'_, Keys, Values> {
    #[inline(always)]
    fn run<S: Simd, const V: usize, const R: usize>(&self, simd: S) -> Part {
        let Self { readers, visible, .. } = self;
        let width = Tile::<S, V, R>::WIDTH;
        let mut tiles = readers.tiles::<S, V, R>(simd, (self.head_dim, self.value_dim));
        let mut scores = Lines::zeros(BLOCK * width);
        let mut gaps = Lines::zeros(2 * width);
        let mut keys = Lines::zeros(BLOCK * self.head_dim);
        let mut values = Lines::zeros(BLOCK * self.value_dim);
        let (mut of_keys, mut of_values) = (Group::default(), Group::default());
        for block in self.blocks {
            let keys = block.widen(self.keys, &mut of_keys, &mut keys);
            let values = block.widen(self.values, &mut of_values, &mut values);
            let scores = &mut scores.as_mut_slice()[..block.length() * width];
            for (rows, tile) in &mut tiles {
                let Some(is_whole) = block.is_read_whole(readers, visible, rows) else { continue };
                tile.score(simd, keys, scores);
                readers.cap(scores);
                let most = if is_whole { 0 } else { block.most_gaps(readers, rows) };
                for number in 0..most {
                    if block.find_gaps(number, readers, visible, rows, gaps.as_mut_slice()) {
                        Tile::<S, V, R>::hide(simd, &gaps, scores);
                    }
                }
                tile.add(simd, values, scores);
            }
        }
        let mut part = Part::new(readers.lanes(), self.value_dim);
        for (rows, tile) in tiles {
            tile.finish(rows.lanes, self.value_dim, &mut part);
        }
        part
    }
}
