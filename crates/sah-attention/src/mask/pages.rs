//! Lists of pages per head and query row.

use std::ops::Range;

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::mask::{IndexList, MaskShape, Row, RowRanges, Visible};

/// Up to `P` pages of keys for every row: numbers `[B, H, Q, P]` of `Int64`. Page `n` is the keys
/// `n * page_size .. (n + 1) * page_size`, as far as there are keys; all of them have weight 1.
///
/// Rows with fewer pages are padded with -1, anywhere. No page occurs twice in a row. A key of a page may also lie in a
/// range of its row: it is read once.
#[derive(Debug)]
pub struct PageList {
    /// Page numbers as the indices of a list.
    numbers: IndexList,
    page_size: usize,
}

impl PageList {
    /// A list that was checked: shape, kind, no number below -1, no page twice in a row, `page_size` at least 1.
    pub fn new(numbers: Tensor, page_size: usize) -> Result<Self> {
        Self::of(IndexList::new(numbers, None)?, page_size)
    }

    /// A list whose contents the caller vouches for; only shape, kind and `page_size` are checked.
    pub fn assume_valid(numbers: Tensor, page_size: usize) -> Result<Self> {
        Self::of(IndexList::assume_valid(numbers, None)?, page_size)
    }

    fn of(numbers: IndexList, page_size: usize) -> Result<Self> {
        if page_size == 0 {
            return Err(Error::Field { field: "page_size", expected: "at least 1", found: "0".to_owned() });
        }
        Ok(Self { numbers, page_size })
    }

    /// Page numbers, `[B, H, Q, P]` of `Int64`; -1 is padding.
    pub fn numbers(&self) -> &Tensor {
        self.numbers.indices()
    }

    /// Another handle to the same tensor.
    pub(super) fn shallow_clone(&self) -> Self {
        Self { numbers: self.numbers.shallow_clone(), page_size: self.page_size }
    }

    /// Keys of a page.
    #[must_use]
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Whether the list is `[B, H, Q, P]` and its pages begin within the keys of `shape`.
    pub(super) fn check_fits(&self, shape: &MaskShape) -> Result<()> {
        self.numbers.check_fits(&MaskShape { keys: shape.keys.div_ceil(self.page_size), ..*shape })
    }

    /// The same keys one by one, without those of `ranges`, on the device of the list.
    pub(super) fn keys(&self, ranges: &RowRanges) -> Result<IndexList> {
        let (numbers, size) = (self.numbers(), self.page_size as i64);
        let within = Tensor::f_arange(size, (Kind::Int64, numbers.device()))?;
        let first = numbers.f_mul_scalar(size)?.f_unsqueeze(-1)?;
        let keys = first.f_add(&within)?;
        let none = first.f_lt(0)?.f_logical_or(&keys.f_ge(ranges.keys() as i64)?)?;
        let keys = keys.f_masked_fill(&none, -1)?.f_flatten(-2, -1)?;
        IndexList::assume_valid(keys, None)?.without(ranges)
    }

    /// The keys of every row that lie in `visible` and in none of `ranges`, on the host, rows in the order `[B, H, Q]`.
    pub fn spans(&self, ranges: &RowRanges, visible: &Visible) -> Result<RowRanges> {
        let numbers = Vec::<i64>::try_from(self.numbers().f_reshape([-1])?)?;
        let (width, size, queries) = (self.numbers.width().max(1), self.page_size, ranges.queries());
        let rows = numbers.chunks_exact(width).enumerate().map(|(row, numbers)| {
            let row = row % queries;
            let (seen, taken) = (visible.row(row), ranges.row(row));
            let pages = numbers.iter().filter(|&&number| number >= 0).map(|&number| number as usize * size);
            let spans = pages.map(move |first| first.max(seen.start)..(first + size).min(seen.end));
            spans.flat_map(|span| outside(span, taken))
        });
        RowRanges::from_rows(ranges.keys(), rows)
    }

    /// The number of keys of [`spans`](Self::spans) in each head, over the batch.
    pub(super) fn entries_by_head(
        &self,
        shape: &MaskShape,
        ranges: &RowRanges,
        visible: &Visible,
    ) -> Result<Vec<usize>> {
        let mut entries = vec![0; shape.heads];
        for (row, spans) in self.spans(ranges, visible)?.rows().enumerate() {
            entries[row / shape.queries % shape.heads] += spans.iter().map(Range::len).sum::<usize>();
        }
        Ok(entries)
    }

    /// The first row, among the query rows `queries` of any head, that has none of [`spans`](Self::spans).
    pub(super) fn first_row_without_entry(
        &self,
        shape: &MaskShape,
        (ranges, visible): (&RowRanges, &Visible),
        queries: &[usize],
    ) -> Result<Option<Row>> {
        let spans = self.spans(ranges, visible)?;
        let is_empty = |(row, spans): &(usize, &[Range<usize>])| {
            spans.is_empty() && queries.contains(&(row % shape.queries))
        };
        let place = |(row, _): (usize, &[Range<usize>])| {
            let (head, query) = (row / shape.queries, row % shape.queries);
            Row { batch: head / shape.heads, head: head % shape.heads, query }
        };
        Ok(spans.rows().enumerate().find(is_empty).map(place))
    }
}

/// The parts of `span` that lie in none of `taken`, which are sorted and disjoint.
pub(crate) fn outside(span: Range<usize>, taken: &[Range<usize>]) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(span.start).chain(taken.iter().map(|range| range.end));
    let ends = taken.iter().map(|range| range.start).chain(std::iter::once(span.end));
    let parts = starts.zip(ends).map(move |(start, end)| start.max(span.start)..end.min(span.end));
    parts.filter(|part| part.start < part.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(numbers: &[i64], page_size: usize) -> Result<PageList> {
        PageList::new(Tensor::from_slice(numbers).view([1, 1, 1, -1]), page_size)
    }

    #[test]
    fn contents_are_checked() {
        let message = |list: Result<PageList>| list.unwrap_err().to_string();
        assert_eq!(message(pages(&[0], 0)), "page_size must be at least 1, got 0");
        assert_eq!(message(pages(&[2, 2], 4)), "index list: key 2 occurs twice in a row");
        let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 9 };
        assert!(pages(&[2, -1], 4).unwrap().check_fits(&shape).is_ok());
        assert!(pages(&[3], 4).unwrap().check_fits(&shape).is_err());
    }

    #[test]
    fn keys_of_ranges_and_beyond_the_row_are_left_out() {
        let ranges = RowRanges::from_rows(10, [vec![0..1, 4..6]]).unwrap();
        let list = pages(&[2, 0, -1, 1], 4).unwrap();
        let spans = |window| list.spans(&ranges, &Visible::new(1, 10, window)).unwrap();
        assert_eq!(spans(None).row(0), [1..4, 6..10]);
        assert_eq!(spans(Some(7)).row(0), [3..4, 6..10]);
        let keys = Vec::<i64>::try_from(list.keys(&ranges).unwrap().indices().flatten(0, -1)).unwrap();
        assert_eq!(keys, [8, 9, -1, -1, -1, 1, 2, 3, -1, -1, -1, -1, -1, -1, 6, 7]);
    }
}
