//! Some query rows over some keys, on one thread.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::lines::Lines;
use super::tile::{Block, Tile};
use crate::kernel::cpu::part::Part;
use crate::kernel::cpu::source::{Group, Source};
use crate::mask::RowRanges;
use sah_tensor::Rows;
use sah_tensor::element::F32;

/// Keys that are read at once. At 64 elements, their keys, values and scores take 16 KiB each.
pub(super) const BLOCK: usize = 64;

/// Rows of the query heads of a group that read blocks of one key/value head.
pub(super) struct Task<'a, Keys: Source, Values: Source> {
    /// The group's query heads, `[Q, D]` each.
    pub(super) queries: &'a [Rows<'a, F32>],
    pub(super) keys: &'a Keys,
    pub(super) values: &'a Values,
    pub(super) head_dim: usize,
    pub(super) value_dim: usize,
    pub(super) scale: f32,
    pub(super) soft_cap: Option<f32>,
    /// The query rows.
    pub(super) rows: Range<usize>,
    /// What each query row reads.
    pub(super) ranges: &'a RowRanges,
    /// Blocks of at most [`BLOCK`] keys.
    pub(super) blocks: &'a [Range<usize>],
}

/// The rows of a tile.
struct Readers {
    /// Theirs and their heads' places among those of the task.
    lanes: Range<usize>,
    rows: Range<usize>,
    /// Keys that they all read.
    common: Range<usize>,
}

impl<Keys: Source, Values: Source> WithSimd for Task<'_, Keys, Values> {
    type Output = Part;

    /// Row `r` of the group's head `m` is row `(r - rows.start) g + m` of the part: the heads of a row, which read the same
    /// keys, lie side by side.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Part {
        // As many vectors as there are rows for. The sums of a product, `V R` vectors, fill three quarters of the 32
        // registers of AVX-512, and half of the 16 that others have.
        let vectors = (self.rows.len() * self.queries.len()).div_ceil(S::F32_LANES);
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
        let group = self.queries.len();
        let lanes = self.rows.len() * group;
        let starts = (0..lanes).step_by(width);
        let dims = (self.head_dim, self.value_dim);
        let row_of = |lane: usize| self.rows.start + lane / group;
        let mut tiles: Vec<(Readers, Tile<S, V, R>)> = starts
            .map(|start| {
                let lanes = start..(start + width).min(lanes);
                let queries = lanes.clone().map(|lane| self.queries[lane % group].row(row_of(lane)));
                let tile = Tile::new(simd, queries, self.scale, dims);
                let rows = row_of(lanes.start)..row_of(lanes.end - 1) + 1;
                (Readers { lanes, common: self.common(rows.clone()), rows }, tile)
            })
            .collect();
        let mut scores = Lines::zeros(BLOCK * width);
        let mut gaps = Lines::zeros(2 * width);
        let mut keys = Lines::zeros(BLOCK * self.head_dim);
        let mut values = Lines::zeros(BLOCK * self.value_dim);
        let (mut of_keys, mut of_values) = (Group::default(), Group::default());
        for span in self.blocks {
            let keys = widen(self.keys, span, &mut of_keys, &mut keys);
            let values = widen(self.values, span, &mut of_values, &mut values);
            let block = Block { keys, values, count: span.len() };
            for (readers, tile) in &mut tiles {
                let Some(is_whole) = self.reads(readers, span) else { continue };
                tile.score(simd, block, &mut scores);
                if let Some(cap) = self.soft_cap {
                    for score in scores.as_mut_slice() {
                        *score = cap * (*score / cap).tanh();
                    }
                }
                let most = if is_whole { 0 } else { self.most_ranges(&readers.rows) + 1 };
                for number in 0..most {
                    if self.find_gaps(number, &readers.lanes, span, gaps.as_mut_slice()) {
                        Tile::<S, V, R>::hide(simd, block.count, &gaps, &mut scores);
                    }
                }
                tile.add(simd, block, &mut scores);
            }
        }
        let mut part = Part::new(lanes, self.value_dim);
        for (readers, tile) in tiles {
            tile.finish(readers.lanes, self.value_dim, &mut part);
        }
        part
    }

    /// What the last ranges of `rows` have in common: with causal attention, nearly all that they read.
    fn common(&self, rows: Range<usize>) -> Range<usize> {
        let last = |row: usize| self.ranges.row(row).last().cloned().unwrap_or_default();
        let both =
            |one: Range<usize>, other: Range<usize>| one.start.max(other.start)..one.end.min(other.end);
        rows.map(last).reduce(both).unwrap_or_default()
    }

    /// Whether `rows` all read all of `span`; `None` where none reads any of it.
    fn reads(&self, readers: &Readers, span: &Range<usize>) -> Option<bool> {
        if readers.common.start <= span.start && span.end <= readers.common.end {
            return Some(true);
        }
        let (mut some, mut all) = (false, true);
        for row in readers.rows.clone() {
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
    fn most_ranges(&self, rows: &Range<usize>) -> usize {
        rows.clone().map(|row| self.ranges.row(row).len()).max().unwrap_or_default()
    }

    /// Where in `span` the gap before range number `number` of each lane's row begins and ends, counted from the first key of
    /// `span`: all beginnings, then all ends. A row has one more gap than ranges; what it does not have is empty. Whether there
    /// is a gap.
    fn find_gaps(&self, number: usize, lanes: &Range<usize>, span: &Range<usize>, gaps: &mut [f32]) -> bool {
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

/// The rows `span` of a cache in f32, `[count, dim]`, in `memory` for [`BLOCK`] of them.
#[inline(always)]
fn widen<'a>(
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
