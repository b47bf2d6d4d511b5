//! Some query rows over some keys, on one thread.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::lines::Lines;
use super::tile::{Block, Tile};
use crate::element::{Element, F32};
use crate::kernel::part::Part;
use crate::kernel::rows::Rows;
use crate::mask::RowRanges;

/// Keys that are read at once. At 64 elements, their keys, values and scores take 16 KiB each.
pub(super) const BLOCK: usize = 64;

/// Rows of the query heads of a group that read blocks of one key/value head.
pub(super) struct Task<'a, E: Element> {
    /// The group's query heads, `[Q, D]` each.
    pub(super) queries: &'a [Rows<'a, F32>],
    pub(super) keys: &'a Rows<'a, E>,
    pub(super) values: &'a Rows<'a, E>,
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

impl<E: Element> WithSimd for Task<'_, E> {
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

impl<E: Element> Task<'_, E> {
    #[inline(always)]
    fn run<S: Simd, const V: usize, const R: usize>(&self, simd: S) -> Part {
        let width = Tile::<S, V, R>::WIDTH;
        let group = self.queries.len();
        let lanes = self.rows.len() * group;
        let starts = (0..lanes).step_by(width);
        let dims = (self.head_dim, self.value_dim);
        let mut tiles: Vec<(Range<usize>, Tile<S, V, R>)> = starts
            .map(|start| {
                let lanes = start..(start + width).min(lanes);
                let rows =
                    lanes.clone().map(|lane| self.queries[lane % group].row(self.rows.start + lane / group));
                (lanes, Tile::new(simd, rows, self.scale, dims))
            })
            .collect();
        let mut memory = Lines::zeros(BLOCK * width);
        let mut keys = Lines::zeros(BLOCK * self.head_dim);
        let mut values = Lines::zeros(BLOCK * self.value_dim);
        for span in self.blocks {
            let keys = widen(self.keys, span, self.head_dim, &mut keys);
            let values = widen(self.values, span, self.value_dim, &mut values);
            let block = Block { keys, values, count: span.len() };
            for (lanes, tile) in &mut tiles {
                let rows =
                    self.rows.start + lanes.start / group..self.rows.start + (lanes.end - 1) / group + 1;
                let Some(is_whole) = self.reads(rows.clone(), span) else { continue };
                tile.read(simd, block, &mut memory, |scores| {
                    if let Some(cap) = self.soft_cap {
                        for score in scores.iter_mut() {
                            *score = cap * (*score / cap).tanh();
                        }
                    }
                    if !is_whole {
                        for row in rows {
                            let first = (row - self.rows.start) * group;
                            let own = first.max(lanes.start)..(first + group).min(lanes.end);
                            let own = own.start - lanes.start..own.end - lanes.start;
                            hide(scores, width, own, span, self.ranges.row(row));
                        }
                    }
                });
            }
        }
        let mut part = Part::new(lanes, self.value_dim);
        for (lanes, tile) in tiles {
            tile.finish(lanes, self.value_dim, &mut part);
        }
        part
    }

    /// Whether `rows` all read all of `span`; `None` where none reads any of it.
    #[inline(always)]
    fn reads(&self, rows: Range<usize>, span: &Range<usize>) -> Option<bool> {
        let (mut some, mut all) = (false, true);
        for row in rows {
            let mut whole = false;
            for range in self.ranges.row(row) {
                some |= range.start < span.end && span.start < range.end;
                whole |= range.start <= span.start && span.end <= range.end;
            }
            all &= whole;
        }
        some.then_some(all)
    }
}

/// The rows `span` of a cache in f32, `[count, dim]`.
#[inline(always)]
fn widen<'a, E: Element>(
    rows: &Rows<'_, E>,
    span: &Range<usize>,
    dim: usize,
    memory: &'a mut Lines,
) -> &'a [f32] {
    let memory = &mut memory.as_mut_slice()[..span.len() * dim];
    for (key, elements) in span.clone().zip(memory.chunks_exact_mut(dim)) {
        E::widen(rows.row(key), elements);
    }
    memory
}

/// Takes the keys of `span` that are in none of `ranges` from the rows `lanes` of `[count, width]` scores.
#[inline(always)]
fn hide(scores: &mut [f32], width: usize, lanes: Range<usize>, span: &Range<usize>, ranges: &[Range<usize>]) {
    let mut hide = |keys: Range<usize>| {
        for key in keys {
            scores[key * width + lanes.start..key * width + lanes.end].fill(f32::NEG_INFINITY);
        }
    };
    let mut done = 0;
    for range in ranges {
        let start = range.start.clamp(span.start, span.end) - span.start;
        let end = range.end.clamp(span.start, span.end) - span.start;
        hide(done..start);
        done = done.max(end);
    }
    hide(done..span.len());
}
