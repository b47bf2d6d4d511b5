//! Key ranges per head and block of query rows, on the host.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::mask::pages::outside;
use crate::mask::ranges::overlap;
use crate::mask::{IndexList, MaskShape, Row, RowRanges, Visible};

/// How the query rows of a call are divided into blocks of `rows` rows.
///
/// Blocks are counted from the first key of the sequence, not from the first row of the call: the row with `n` keys before it is in
/// block `n / rows`, in whichever chunk of a context it is read. First and last block of a call may therefore have fewer rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowBlocks {
    rows: usize,
    past: usize,
    queries: usize,
}

impl RowBlocks {
    /// The query rows of `shape` in blocks of `rows`, which must be at least 1.
    pub fn new(shape: &MaskShape, rows: usize) -> Result<Self> {
        if rows == 0 {
            let (field, expected) = ("rows of a block", "at least 1");
            return Err(Error::Field { field, expected, found: "0".to_owned() });
        }
        Ok(Self { rows, past: shape.keys - shape.queries, queries: shape.queries })
    }

    /// Rows of a whole block.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of blocks that have a row.
    #[must_use]
    pub fn count(&self) -> usize {
        (self.past + self.queries).div_ceil(self.rows) - self.first()
    }

    /// The number in the sequence of the first block.
    #[must_use]
    pub fn first(&self) -> usize {
        self.past / self.rows
    }

    /// The query rows of block number `block` of the call, which must be below [`count`](Self::count).
    #[must_use]
    pub fn rows_of(&self, block: usize) -> Range<usize> {
        let start = (self.first() + block) * self.rows;
        start.saturating_sub(self.past)..(start + self.rows - self.past).min(self.queries)
    }

    /// The block of the call in which query row `row` is.
    #[must_use]
    pub fn block_of(&self, row: usize) -> usize {
        (self.past + row) / self.rows - self.first()
    }
}

/// Key ranges for every head and block of query rows, with weight 1: all rows of a block read them, as far as they may.
///
/// A single key is a range of one. Blocks of keys, the columns of a vertical line and the keys that a diagonal crosses in a block of
/// rows are all of this form; what reads it touches no other key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRanges {
    blocks: RowBlocks,
    heads: usize,
    /// Those of all blocks of the first head, then those of the next: `[B H, blocks]`.
    ranges: RowRanges,
}

impl BlockRanges {
    /// Any number of ranges, in any order, for each head and block: `ranges(head, block)`, with heads counted over the batch, `0..B H`,
    /// and blocks over the call.
    pub fn from_fn<R>(
        shape: &MaskShape,
        blocks: RowBlocks,
        mut ranges: impl FnMut(usize, usize) -> R,
    ) -> Result<Self>
    where
        R: IntoIterator<Item = Range<usize>>,
    {
        let heads = shape.batch * shape.heads;
        let places = (0..heads).flat_map(|head| (0..blocks.count()).map(move |block| (head, block)));
        let ranges = RowRanges::from_rows(shape.keys, places.map(|(head, block)| ranges(head, block)))?;
        Ok(Self { blocks, heads, ranges })
    }

    /// Blocks of as many keys as blocks of rows have rows, counted from the first key: those that are true in `chosen`,
    /// `[B H, blocks, ceil(K / rows)]`.
    pub fn of_key_blocks(shape: &MaskShape, blocks: RowBlocks, chosen: &[bool]) -> Result<Self> {
        let size = blocks.rows();
        let count = shape.keys.div_ceil(size);
        let expected = shape.batch * shape.heads * blocks.count() * count;
        if chosen.len() != expected {
            let expected = format!("{expected}: one for each head, block of rows and block of keys");
            return Err(Error::Shape { tensor: "chosen blocks", expected, found: vec![chosen.len() as i64] });
        }
        Self::from_fn(shape, blocks, |head, block| {
            let chosen = &chosen[(head * blocks.count() + block) * count..][..count];
            let numbers = chosen.iter().enumerate().filter_map(|(number, chosen)| chosen.then_some(number));
            numbers.map(|number| number * size..shape.keys.min((number + 1) * size))
        })
    }

    /// How the rows are divided.
    #[must_use]
    pub fn blocks(&self) -> &RowBlocks {
        &self.blocks
    }

    /// The ranges of `head`, below `B H`, for the rows of `block`: sorted, disjoint, none empty.
    #[must_use]
    pub fn ranges(&self, head: usize, block: usize) -> &[Range<usize>] {
        self.ranges.row(head * self.blocks.count() + block)
    }

    /// Whether every row of every head selects every key that it may read.
    #[must_use]
    pub fn covers(&self, visible: &Visible) -> bool {
        (0..self.blocks.count()).all(|block| {
            let rows = self.blocks.rows_of(block);
            let seen = visible.row(rows.start).start..visible.row(rows.end - 1).end;
            let holds = |range: &Range<usize>| range.start <= seen.start && seen.end <= range.end;
            (0..self.heads).all(|head| self.ranges(head, block).iter().any(holds))
        })
    }

    /// The keys of every row that lie in `visible` and in none of `ranges`, rows in the order `[B, H, Q]`.
    pub fn spans(&self, ranges: &RowRanges, visible: &Visible) -> Result<RowRanges> {
        let queries = self.blocks.queries;
        let rows = (0..self.heads * queries).map(|number| {
            let (head, row) = (number / queries, number % queries);
            let (seen, taken) = (visible.row(row), ranges.row(row));
            let of_row = self.ranges(head, self.blocks.block_of(row)).iter();
            of_row.flat_map(move |range| outside(overlap(range, &seen), taken))
        });
        RowRanges::from_rows(ranges.keys(), rows)
    }

    /// The keys in either; `None` where the rows are divided in other ways.
    pub(super) fn union(&self, other: &Self) -> Option<Self> {
        let is_alike = self.blocks == other.blocks && self.heads == other.heads;
        is_alike.then(|| Self { ranges: self.ranges.union(&other.ranges), ..*self })
    }

    /// Whether there is a block for every head and query row of `shape`, over as many keys.
    pub(super) fn check_fits(&self, shape: &MaskShape) -> Result<()> {
        let RowBlocks { past, queries, .. } = self.blocks;
        let found =
            MaskShape { heads: self.heads / shape.batch.max(1), queries, keys: self.ranges.keys(), ..*shape };
        if found == *shape && past == shape.keys - shape.queries && self.heads == shape.batch * shape.heads {
            return Ok(());
        }
        Err(Error::MaskShape { expected: *shape, found })
    }

    /// The same keys one by one, without those of `ranges`: a list for each row, as long as the longest. On the CPU.
    pub(super) fn keys(&self, shape: &MaskShape, ranges: &RowRanges) -> Result<IndexList> {
        let length = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).sum::<usize>();
        let width = self.ranges.rows().map(length).max().unwrap_or_default();
        let mut indices = vec![-1_i64; self.heads * self.blocks.queries * width];
        for (number, indices) in indices.chunks_exact_mut(width.max(1)).enumerate() {
            let (head, row) = (number / self.blocks.queries, number % self.blocks.queries);
            let keys = self.ranges(head, self.blocks.block_of(row)).iter().cloned().flatten();
            indices.iter_mut().zip(keys).for_each(|(index, key)| *index = key as i64);
        }
        let size = [shape.batch, shape.heads, shape.queries, width].map(|size| size as i64);
        IndexList::assume_valid(Tensor::f_from_slice(&indices)?.f_view(size)?, None)?.without(ranges)
    }

    /// The number of keys in each head, over the batch, that lie in `visible` and in none of `beside`.
    pub(super) fn entries_by_head(
        &self,
        shape: &MaskShape,
        beside: &RowRanges,
        visible: &Visible,
    ) -> Vec<usize> {
        let mut entries = vec![0; shape.heads];
        for head in 0..self.heads {
            for block in 0..self.blocks.count() {
                let rows = self.blocks.rows_of(block);
                let ranges = self.ranges(head, block).iter();
                entries[head % shape.heads] += if beside.is_empty() {
                    ranges.map(|range| count(range, rows.clone(), visible)).sum::<usize>()
                } else {
                    let of_row = |row: usize| {
                        let (seen, taken) = (visible.row(row), beside.row(row));
                        let ranges = self.ranges(head, block).iter();
                        let parts = ranges.flat_map(move |range| outside(overlap(range, &seen), taken));
                        parts.map(|part| part.len()).sum::<usize>()
                    };
                    rows.map(of_row).sum::<usize>()
                };
            }
        }
        entries
    }

    /// The first row, among the query rows `queries` of any head, that selects nothing of `visible`.
    pub(super) fn first_row_without_entry(
        &self,
        shape: &MaskShape,
        visible: &Visible,
        queries: &[usize],
    ) -> Option<Row> {
        let is_empty = |&(head, query): &(usize, usize)| {
            let seen = visible.row(query);
            let mut ranges = self.ranges(head, self.blocks.block_of(query)).iter();
            !ranges.any(|range| !overlap(range, &seen).is_empty())
        };
        let mut places = (0..self.heads).flat_map(|head| queries.iter().map(move |&query| (head, query)));
        let (head, query) = places.find(is_empty)?;
        Some(Row { batch: head / shape.heads, head: head % shape.heads, query })
    }

    /// Weights, `[B, H, Q, K]` of `Float` on `device`.
    pub(super) fn to_dense(&self, shape: &MaskShape, device: Device) -> Result<Tensor> {
        let size = [shape.batch, shape.heads, shape.queries, shape.keys].map(|size| size as i64);
        let dense = Tensor::f_zeros(size, (Kind::Float, device))?;
        for head in 0..self.heads {
            let of_head = dense.f_select(0, (head / shape.heads) as i64)?;
            let of_head = of_head.f_select(0, (head % shape.heads) as i64)?;
            for block in 0..self.blocks.count() {
                let rows = self.blocks.rows_of(block);
                let of_rows = of_head.f_narrow(0, rows.start as i64, rows.len() as i64)?;
                for range in self.ranges(head, block) {
                    let _ = of_rows.f_narrow(1, range.start as i64, range.len() as i64)?.f_fill_(1.0)?;
                }
            }
        }
        Ok(dense)
    }
}

/// The number of `(row, key)` pairs of `range` and `rows` in `visible`.
fn count(range: &Range<usize>, rows: Range<usize>, visible: &Visible) -> usize {
    let (first, last) = (visible.row(rows.start), visible.row(rows.end - 1));
    if last.start <= range.start && range.end <= first.end {
        return range.len() * rows.len();
    }
    rows.map(|row| overlap(range, &visible.row(row)).len()).sum()
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_with_the_sequence() {
        let blocks = |queries, keys, rows| {
            let blocks = RowBlocks::new(&MaskShape { batch: 1, heads: 1, queries, keys }, rows).unwrap();
            let of_rows: Vec<usize> = (0..queries).map(|row| blocks.block_of(row)).collect();
            let rows: Vec<_> = (0..blocks.count()).map(|block| blocks.rows_of(block)).collect();
            for (block, rows) in rows.iter().enumerate() {
                assert!(rows.clone().all(|row| of_rows[row] == block));
            }
            (blocks.first(), rows)
        };
        assert_eq!(blocks(8, 8, 4), (0, vec![0..4, 4..8]));
        assert_eq!(blocks(5, 11, 4), (1, vec![0..2, 2..5]));
        assert_eq!(blocks(7, 9, 4), (0, vec![0..2, 2..6, 6..7]));
        assert_eq!(blocks(1, 9, 4), (2, vec![0..1]));
        let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 1 };
        let error = RowBlocks::new(&shape, 0).unwrap_err().to_string();
        assert_eq!(error, "rows of a block must be at least 1, got 0");
    }

    #[test]
    fn everything_is_covered_where_each_head_and_row_reads_all() {
        let shape = MaskShape { batch: 1, heads: 2, queries: 5, keys: 9 };
        let blocks = RowBlocks::new(&shape, 4).unwrap();
        let covers = |end: usize, window| {
            let of = |head, block| (head == 1 && block == 0).then_some(0..end).or(Some(0..9));
            let ranges = BlockRanges::from_fn(&shape, blocks, of).unwrap();
            ranges.covers(&Visible::new(5, 9, window))
        };
        assert!(covers(8, None) && !covers(7, None));
        assert!(covers(8, Some(3)));
    }
}
