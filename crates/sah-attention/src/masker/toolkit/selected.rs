//! What earlier maskers selected, and what remains for a row.

use std::ops::Range;

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, RowRanges, Selection, Visible};

/// Writes `value` over the scores of keys that a row may not read or that `previous` selects already.
///
/// `scores` is `[B, H, rows, K]`, for the query rows `rows`; `value` must be below every score.
pub fn exclude_selected(
    inputs: &AttentionInputs<'_>,
    previous: &Mask,
    rows: Range<usize>,
    scores: &Tensor,
    value: f64,
) -> Result<()> {
    exclude_invisible(inputs, rows.clone(), scores, value)?;
    let Selection::Sparse(sparse) = previous.selection() else { return Ok(()) };
    for (at, row) in rows.clone().enumerate() {
        for range in sparse.ranges().row(row) {
            fill(scores, at, range, value)?;
        }
    }
    if let Some(list) = sparse.keys()? {
        let indices = list.indices().f_narrow(2, rows.start as i64, rows.len() as i64)?;
        // Padding stands for the row's last key once more. A row of padding alone writes the score of key 0 over itself.
        let last = indices.f_amax([-1i64].as_slice(), true)?;
        let first = scores.f_narrow(3, 0, 1)?.f_masked_fill(&last.f_ge(0)?, value)?;
        let indices = indices.f_maximum(&indices.f_lt(0)?.f_mul(&last)?)?.f_clamp_min(0)?;
        let values = first.f_expand_as(&indices)?;
        let _ = scores.shallow_clone().f_scatter_(3, &indices, &values)?;
    }
    Ok(())
}

/// Writes `value` over the scores, `[B, H, rows, K]`, of keys that a row may not read.
pub fn exclude_invisible(
    inputs: &AttentionInputs<'_>,
    rows: Range<usize>,
    scores: &Tensor,
    value: f64,
) -> Result<()> {
    let visible = inputs.visible();
    for (at, row) in rows.enumerate() {
        let seen = visible.row(row);
        fill(scores, at, &(0..seen.start), value)?;
        fill(scores, at, &(seen.end..inputs.dims().keys), value)?;
    }
    Ok(())
}

fn fill(scores: &Tensor, row: usize, keys: &Range<usize>, value: f64) -> Result<()> {
    if !keys.is_empty() {
        let part = scores.f_narrow(2, row as i64, 1)?;
        let _ = part.f_narrow(3, keys.start as i64, keys.len() as i64)?.f_fill_(value)?;
    }
    Ok(())
}

/// What a mask selects, on the host.
#[derive(Debug)]
pub struct Selected<'a> {
    ranges: Option<&'a RowRanges>,
    listed: Option<Listed>,
    queries: usize,
}

/// What a list names, rows in the order `[B, H, Q]`.
#[derive(Debug)]
enum Listed {
    /// Single keys, `[B * H * Q, width]`, -1 for none.
    Keys { keys: Vec<i64>, width: usize },
    /// The keys of pages or blocks.
    Spans(RowRanges),
}

impl<'a> Selected<'a> {
    /// Reads `mask`; waits for the device where it has an index list.
    pub fn of(mask: &'a Mask) -> Result<Self> {
        let queries = mask.shape().queries;
        let Selection::Sparse(sparse) = mask.selection() else {
            return Ok(Self { ranges: None, listed: None, queries });
        };
        let listed = match sparse.list().filter(|list| list.width() > 0) {
            Some(list) => {
                let keys = list.indices().f_to_kind(Kind::Int64)?.f_contiguous()?.f_view([-1])?;
                Some(Listed::Keys { keys: Vec::try_from(keys)?, width: list.width() })
            }
            None => sparse.spans(&Visible::causal(mask.shape()))?.map(Listed::Spans),
        };
        Ok(Self { ranges: Some(sparse.ranges()), listed, queries })
    }

    /// Whether heads may have different keys.
    #[must_use]
    pub fn differs_by_head(&self) -> bool {
        self.listed.is_some()
    }

    /// The keys of `within` that are not selected for row `row` of head `head`; heads are counted over the batch, `0..B H`.
    #[must_use]
    pub fn remaining(&self, head: usize, row: usize, within: Range<usize>) -> Candidates {
        let mut taken: Vec<Range<usize>> = self.ranges.map_or(&[][..], |ranges| ranges.row(row)).to_vec();
        let at = head * self.queries + row;
        match &self.listed {
            None => {}
            Some(Listed::Keys { keys, width }) => {
                let keys = keys[at * width..(at + 1) * width].iter().filter(|&&key| key >= 0);
                taken.extend(keys.map(|&key| key as usize..key as usize + 1));
            }
            Some(Listed::Spans(spans)) => taken.extend_from_slice(spans.row(at)),
        }
        taken.sort_unstable_by_key(|range| range.start);
        Candidates::without(within, &taken)
    }
}

/// Keys that a masker may still select for a row, as sorted disjoint ranges.
#[derive(Debug)]
pub struct Candidates {
    ranges: Vec<Range<usize>>,
    /// Number of keys up to the end of each range.
    ends: Vec<usize>,
}

impl Candidates {
    /// `within` without `taken`, which is sorted by start.
    fn without(within: Range<usize>, taken: &[Range<usize>]) -> Self {
        let mut out = Self { ranges: Vec::new(), ends: Vec::new() };
        let mut start = within.start;
        for range in taken {
            out.push(start..range.start.min(within.end));
            start = start.max(range.end);
        }
        out.push(start..within.end);
        out
    }

    fn push(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.ends.push(self.len() + range.len());
            self.ranges.push(range);
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The ranges, sorted.
    #[must_use]
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The key number `rank`, which must be below [`len`](Self::len).
    #[must_use]
    pub fn nth(&self, rank: usize) -> usize {
        let at = self.ends.partition_point(|&end| end <= rank);
        self.ranges[at].end - (self.ends[at] - rank)
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is meant")]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_what_is_left() {
        let check = |within: Range<usize>, taken: &[Range<usize>]| {
            let candidates = Candidates::without(within.clone(), taken);
            let expected: Vec<usize> = within.filter(|key| !taken.iter().any(|r| r.contains(key))).collect();
            let got: Vec<usize> = (0..candidates.len()).map(|rank| candidates.nth(rank)).collect();
            assert_eq!(got, expected, "{taken:?}");
            assert_eq!(candidates.ranges().iter().cloned().flatten().collect::<Vec<_>>(), expected);
        };
        check(0..10, &[]);
        check(0..10, &[0..2, 8..12]);
        check(3..10, &[0..2, 4..5, 5..6, 9..10]);
        check(3..10, &[0..20]);
        check(3..10, &[0..4, 12..13]);
        check(5..5, &[1..2]);
        check(2..9, &[0..1, 3..7, 4..5, 11..15]);
    }
}
