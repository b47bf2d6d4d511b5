//! Key ranges per query row, on the host.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::mask::Visible;

/// Sorted, disjoint, non-empty key ranges of every query row.
///
/// Ranges that touch or overlap are one: a range set says which keys, not how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRanges {
    keys: usize,
    /// Ranges of all rows, one row after the other.
    ranges: Vec<Range<usize>>,
    /// Where the ranges of each row end in `ranges`.
    ends: Vec<usize>,
}

impl RowRanges {
    /// No range in any of `queries` rows over `keys` keys.
    #[must_use]
    pub fn none(queries: usize, keys: usize) -> Self {
        Self { keys, ranges: Vec::new(), ends: vec![0; queries] }
    }

    /// One range per row, which may be empty: `range(i)` for row `i`.
    pub fn from_fn(
        queries: usize,
        keys: usize,
        mut range: impl FnMut(usize) -> Range<usize>,
    ) -> Result<Self> {
        let mut ranges = Vec::with_capacity(queries);
        let mut ends = Vec::with_capacity(queries);
        for row in 0..queries {
            let range = checked(range(row), row, keys)?;
            if !range.is_empty() {
                ranges.push(range);
            }
            ends.push(ranges.len());
        }
        Ok(Self { keys, ranges, ends })
    }

    /// Any number of ranges per row, in any order.
    pub fn from_rows<R>(keys: usize, rows: impl IntoIterator<Item = R>) -> Result<Self>
    where
        R: IntoIterator<Item = Range<usize>>,
    {
        let mut out = Self { keys, ranges: Vec::new(), ends: Vec::new() };
        let mut row_ranges = Vec::new();
        for (row, ranges) in rows.into_iter().enumerate() {
            row_ranges.clear();
            for range in ranges {
                row_ranges.push(checked(range, row, keys)?);
            }
            row_ranges.sort_unstable_by_key(|range| range.start);
            out.push_row(row_ranges.drain(..));
        }
        Ok(out)
    }

    /// Appends a row from ranges sorted by their start, joining those that touch.
    fn push_row(&mut self, sorted: impl Iterator<Item = Range<usize>>) {
        let first = self.ranges.len();
        for range in sorted.filter(|range| !range.is_empty()) {
            match self.ranges[first..].last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => self.ranges.push(range),
            }
        }
        self.ends.push(self.ranges.len());
    }

    /// Number of query rows, `Q`.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.ends.len()
    }

    /// Number of keys, `K`.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// Whether no row has a range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges of row `row`, which must be below `Q`.
    #[must_use]
    pub fn row(&self, row: usize) -> &[Range<usize>] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.ranges[start..self.ends[row]]
    }

    /// Whether no key is in ranges of two rows.
    pub(crate) fn are_apart(&self) -> bool {
        let mut sorted: Vec<&Range<usize>> = self.ranges.iter().collect();
        sorted.sort_unstable_by_key(|range| range.start);
        sorted.windows(2).all(|pair| pair[0].end <= pair[1].start)
    }

    /// The ranges of every row.
    pub fn rows(&self) -> impl Iterator<Item = &[Range<usize>]> {
        (0..self.queries()).map(|row| self.row(row))
    }

    /// The largest number of ranges in one row.
    #[must_use]
    pub fn max_per_row(&self) -> usize {
        self.rows().map(<[_]>::len).max().unwrap_or(0)
    }

    /// Row by row, the keys in either. Both must have the same `Q` and `K`.
    pub(super) fn union(&self, other: &Self) -> Self {
        debug_assert_eq!((self.queries(), self.keys), (other.queries(), other.keys));
        let mut out = Self {
            keys: self.keys,
            ranges: Vec::with_capacity(self.ranges.len() + other.ranges.len()),
            ends: Vec::with_capacity(self.ends.len()),
        };
        for (left, right) in self.rows().zip(other.rows()) {
            out.push_row(Sorted { left, right });
        }
        out
    }

    /// The keys that rows `rows` read between them, in order.
    #[must_use]
    pub fn union_of_rows(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let mut all: Vec<_> = rows.flat_map(|row| self.row(row)).cloned().collect();
        all.sort_unstable_by_key(|range| range.start);
        let mut out = Self { keys: self.keys, ranges: Vec::new(), ends: Vec::new() };
        out.push_row(all.into_iter());
        out.ranges
    }

    /// Without the keys that a row may not read.
    #[must_use]
    pub fn restrict(&self, visible: &Visible) -> Self {
        let mut out =
            Self { keys: self.keys, ranges: Vec::with_capacity(self.ranges.len()), ends: Vec::new() };
        out.ends.reserve(self.ends.len());
        for (row, ranges) in self.rows().enumerate() {
            let seen = visible.row(row);
            out.push_row(ranges.iter().map(|range| overlap(range, &seen)));
        }
        out
    }

    /// Number of `(row, key)` pairs that are selected and that the row may read.
    pub(crate) fn entries(&self, visible: &Visible) -> usize {
        let in_row = |(row, ranges): (usize, &[Range<usize>])| -> usize {
            let seen = visible.row(row);
            ranges.iter().map(|range| overlap(range, &seen).len()).sum()
        };
        self.rows().enumerate().map(in_row).sum()
    }

    /// The rows that select nothing that they may read.
    pub(crate) fn rows_without_entry(&self, visible: &Visible) -> Vec<usize> {
        let reads = |row: usize| {
            let seen = visible.row(row);
            self.row(row).iter().any(|range| !overlap(range, &seen).is_empty())
        };
        (0..self.queries()).filter(|&row| !reads(row)).collect()
    }

    /// Whether every row selects every key that it may read.
    #[must_use]
    pub fn covers(&self, visible: &Visible) -> bool {
        let covers = |row: usize| {
            let seen = visible.row(row);
            self.row(row).iter().any(|range| range.start <= seen.start && range.end >= seen.end)
        };
        (0..self.queries()).all(covers)
    }
}

/// The keys in both; an empty range where there is none.
pub(super) fn overlap(left: &Range<usize>, right: &Range<usize>) -> Range<usize> {
    let start = left.start.max(right.start);
    start..left.end.min(right.end).max(start)
}

fn checked(range: Range<usize>, row: usize, keys: usize) -> Result<Range<usize>> {
    if range.start > range.end || range.end > keys {
        return Err(Error::Range { row, start: range.start, end: range.end, keys });
    }
    Ok(range)
}

/// Two sorted lists of ranges as one.
struct Sorted<'a> {
    left: &'a [Range<usize>],
    right: &'a [Range<usize>],
}

impl Iterator for Sorted<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let from_left = match (self.left.first(), self.right.first()) {
            (Some(left), Some(right)) => left.start <= right.start,
            (left, _) => left.is_some(),
        };
        let side = if from_left { &mut self.left } else { &mut self.right };
        let (first, rest) = side.split_first()?;
        *side = rest;
        Some(first.clone())
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a row of one range is meant")]
mod tests {
    use super::*;

    /// The same set of keys in every row of both, as booleans.
    fn dense(ranges: &RowRanges) -> Vec<Vec<bool>> {
        ranges
            .rows()
            .map(|row| (0..ranges.keys()).map(|key| row.iter().any(|r| r.contains(&key))).collect())
            .collect()
    }

    #[test]
    fn rows_without_a_common_key_are_apart() {
        let apart = |rows: &[&[Range<usize>]]| {
            RowRanges::from_rows(20, rows.iter().map(|row| row.to_vec())).unwrap().are_apart()
        };
        assert!(apart(&[&[0..3, 10..12], &[4..9], &[], &[12..20]]));
        assert!(!apart(&[&[0..3, 10..12], &[11..13]]));
        assert!(!apart(&[&[0..9], &[0..9, 12..13]]));
    }

    #[test]
    fn rows_are_sorted_and_joined() {
        let ranges =
            RowRanges::from_rows(10, [vec![7..9, 0..2, 2..3, 5..5], vec![], vec![1..6, 2..4]]).unwrap();
        assert_eq!(ranges.row(0), [0..3, 7..9]);
        assert_eq!(ranges.row(1), []);
        assert_eq!(ranges.row(2), [1..6]);
        assert_eq!((ranges.queries(), ranges.keys(), ranges.max_per_row()), (3, 10, 2));
        assert_eq!(ranges.union_of_rows(0..3), [0..6, 7..9]);
        assert_eq!(ranges.union_of_rows(1..2), []);
    }

    #[test]
    fn bounds_are_checked() {
        let error = RowRanges::from_rows(4, [vec![0..2], vec![1..5]]).unwrap_err();
        assert_eq!(error.to_string(), "query row 1: key range 1..5 does not lie within the 4 keys");
        #[expect(clippy::reversed_empty_ranges)]
        let reversed = RowRanges::from_fn(1, 4, |_| 3..2);
        assert!(matches!(reversed, Err(Error::Range { row: 0, start: 3, end: 2, keys: 4 })));
    }

    #[test]
    fn union_is_the_union_of_the_keys() {
        let left = RowRanges::from_rows(12, [vec![0..2, 6..8], vec![3..4], vec![]]).unwrap();
        let right = RowRanges::from_rows(12, [vec![1..3, 8..9, 11..12], vec![], vec![2..3]]).unwrap();
        let both = left.union(&right);
        assert_eq!(both.row(0), [0..3, 6..9, 11..12]);
        assert_eq!(both.row(1), [3..4]);
        assert_eq!(both.row(2), [2..3]);
        assert_eq!(both, right.union(&left));
    }

    #[test]
    fn what_a_row_may_read_clips_counts_and_finds_empty_rows() {
        // Rows at positions 2, 3 and 4.
        let ranges = RowRanges::from_rows(5, [vec![0..1, 2..5], vec![4..5], vec![1..2]]).unwrap();
        let all = Visible::new(3, 5, None);
        let causal = ranges.restrict(&all);
        assert_eq!(causal.row(0), [0..1, 2..3]);
        assert_eq!(causal.row(1), []);
        assert_eq!(causal.row(2), [1..2]);
        assert_eq!(ranges.entries(&all), 3);
        assert_eq!(dense(&causal).concat().into_iter().filter(|&on| on).count(), 3);
        assert_eq!(ranges.rows_without_entry(&all), [1]);
        assert!(!ranges.covers(&all));
        assert!(RowRanges::from_fn(3, 5, |row| 0..3 + row).unwrap().covers(&all));

        // Windows 1..3, 2..4 and 3..5.
        let window = Visible::new(3, 5, Some(2));
        assert_eq!(ranges.restrict(&window).rows().collect::<Vec<_>>(), [&[2..3][..], &[], &[]]);
        assert_eq!(ranges.entries(&window), 1);
        assert_eq!(ranges.rows_without_entry(&window), [1, 2]);
        assert!(RowRanges::from_fn(3, 5, |row| 1 + row..3 + row).unwrap().covers(&window));
        assert!(!RowRanges::from_fn(3, 5, |row| 2 + row..3 + row).unwrap().covers(&window));
    }
}
