//! Query rows that read the keys of one head, and what each of them reads.

use std::ops::Range;

use pulp::Simd;

use super::tile::Tile;
use crate::kernel::cpu::source::{Group, Source};
use crate::mask::RowRanges;
use sah_tensor::Lines;
use sah_tensor::Rows;
use sah_tensor::element::F32;

/// Keys that are read at once. At 64 elements, their keys, values and scores take 16 KiB each.
pub(super) const BLOCK: usize = 64;

/// Rows of some of the query heads of a group. Row `r` of head `m` is lane `(r - rows.start) g + m` of `g` heads: those of a row,
/// which read the same keys, lie side by side.
pub(super) struct Readers<'a> {
    /// The query heads, `[Q, D]` each.
    pub(super) queries: &'a [Rows<'a, F32>],
    pub(super) scale: f32,
    pub(super) soft_cap: Option<f32>,
    /// The query rows.
    pub(super) rows: Range<usize>,
    /// What each query row reads.
    pub(super) ranges: &'a RowRanges,
}

/// The rows of a tile.
pub(super) struct TileRows {
    /// Theirs and their heads' places among those of the readers.
    pub(super) lanes: Range<usize>,
    pub(super) rows: Range<usize>,
    /// Keys that they all read.
    common: Range<usize>,
}

impl Readers<'_> {
    /// Rows times heads.
    pub(super) fn lanes(&self) -> usize {
        self.rows.len() * self.queries.len()
    }

    /// Tiles of all lanes.
    #[inline(always)]
    pub(super) fn tiles<S: Simd, const V: usize, const R: usize>(
        &self,
        simd: S,
        dims: (usize, usize),
    ) -> Vec<(TileRows, Tile<S, V, R>)> {
        let (group, lanes, width) = (self.queries.len(), self.lanes(), Tile::<S, V, R>::WIDTH);
        let row_of = |lane: usize| self.rows.start + lane / group;
        let tile = |start: usize| {
            let lanes = start..(start + width).min(lanes);
            let queries = lanes.clone().map(|lane| self.queries[lane % group].row(row_of(lane)));
            let tile = Tile::new(simd, queries, self.scale, dims);
            let rows = row_of(lanes.start)..row_of(lanes.end - 1) + 1;
            (TileRows { lanes, common: self.common(rows.clone()), rows }, tile)
        };
        (0..lanes).step_by(width).map(tile).collect()
    }

    /// Writes the scores of the keys `span`, `[span, D]`, to `scores`, `[span][V]`: `-inf` where a row does not read a key. False,
    /// and nothing is written, where no row reads any of them. `gaps` is room for two numbers a lane.
    #[inline(always)]
    pub(super) fn score<S: Simd, const V: usize, const R: usize>(
        &self,
        simd: S,
        (rows, tile): (&TileRows, &Tile<S, V, R>),
        (span, keys): (&Range<usize>, &[f32]),
        gaps: &mut Lines,
        scores: &mut [f32],
    ) -> bool {
        let Some(is_whole) = self.reads(rows, span) else { return false };
        tile.score(simd, keys, scores);
        self.cap(scores);
        let most = if is_whole { 0 } else { self.most_ranges(&rows.rows) + 1 };
        for number in 0..most {
            if self.find_gaps(number, &rows.lanes, span, gaps.as_mut_slice()) {
                Tile::<S, V, R>::hide(simd, gaps, scores);
            }
        }
        true
    }

    /// Keeps scores below the layer's bound, where it has one.
    #[inline(always)]
    pub(super) fn cap(&self, scores: &mut [f32]) {
        if let Some(cap) = self.soft_cap {
            for score in scores {
                *score = cap * (*score / cap).tanh();
            }
        }
    }

    /// What the last ranges of `rows` have in common: with causal attention, nearly all that they read.
    fn common(&self, rows: Range<usize>) -> Range<usize> {
        let last = |row: usize| self.ranges.row(row).last().cloned().unwrap_or_default();
        let both =
            |one: Range<usize>, other: Range<usize>| one.start.max(other.start)..one.end.min(other.end);
        rows.map(last).reduce(both).unwrap_or_default()
    }

    /// Whether the rows of a tile all read all of `span`; `None` where none reads any of it.
    pub(super) fn reads(&self, tile: &TileRows, span: &Range<usize>) -> Option<bool> {
        if tile.common.start <= span.start && span.end <= tile.common.end {
            return Some(true);
        }
        let (mut some, mut all) = (false, true);
        for row in tile.rows.clone() {
            let mut whole = false;
            for range in self.ranges.row(row) {
                some |= range.start < span.end && span.start < range.end;
                whole |= range.start <= span.start && span.end <= range.end;
            }
            all &= whole;
        }
        some.then_some(all)
    }

    /// The largest number of ranges of one of `rows`.
    pub(super) fn most_ranges(&self, rows: &Range<usize>) -> usize {
        rows.clone().map(|row| self.ranges.row(row).len()).max().unwrap_or_default()
    }

    /// Where in `span` the gap before range number `number` of each lane's row begins and ends, counted from the first key of
    /// `span`: all beginnings, then all ends. A row has one more gap than ranges; what it does not have is empty. Whether there
    /// is a gap.
    pub(super) fn find_gaps(
        &self,
        number: usize,
        lanes: &Range<usize>,
        span: &Range<usize>,
        gaps: &mut [f32],
    ) -> bool {
        let group = self.queries.len();
        let (starts, ends) = gaps.split_at_mut(gaps.len() / 2);
        let mut found = false;
        for (lane, (start, end)) in lanes.clone().zip(starts.iter_mut().zip(ends)) {
            let ranges = self.ranges.row(self.rows.start + lane / group);
            let from = number.checked_sub(1).map_or(Some(0), |before| Some(ranges.get(before)?.end));
            let to = ranges.get(number).map_or(span.end, |range| range.start);
            let within = |key: usize| key.clamp(span.start, span.end) - span.start;
            let gap = from.map_or(0..0, |from| within(from)..within(to));
            found |= !gap.is_empty();
            (*start, *end) = (gap.start as f32, gap.end as f32);
        }
        found
    }
}

/// The keys that some of `rows` read, in blocks of at most [`BLOCK`].
pub(super) fn blocks_of(ranges: &RowRanges, rows: Range<usize>) -> Vec<Range<usize>> {
    let blocks = |range: Range<usize>| {
        range.clone().step_by(BLOCK).map(move |start| start..range.end.min(start + BLOCK))
    };
    ranges.union_of_rows(rows).into_iter().flat_map(blocks).collect()
}

/// The rows `span` of a cache in f32, `[span, dim]`, in `memory` for [`BLOCK`] of them.
#[inline(always)]
pub(super) fn widen<'a>(
    source: &impl Source,
    span: &Range<usize>,
    group: &mut Group,
    memory: &'a mut Lines,
) -> &'a [f32] {
    let memory = memory.as_mut_slice();
    let dim = memory.len() / BLOCK;
    let memory = &mut memory[..span.len() * dim];
    source.widen(span.clone(), group, memory);
    memory
}
