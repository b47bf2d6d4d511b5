//! Keys that do not lie side by side, gathered to a block.

use std::ops::Range;

use super::readers::BLOCK;
use crate::kernel::cpu::source::{Group, Source};
use crate::mask::Visible;
use sah_tensor::Lines;

/// At most [`BLOCK`] keys, in order, of which each row reads all that it may.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Gathered {
    /// Sorted, disjoint, none empty.
    runs: Vec<Range<usize>>,
    length: usize,
}

impl Gathered {
    /// The keys that a row may not read lie before or after those that it may.
    pub(super) const MOST_GAPS: usize = 2;

    /// The keys of `ranges` that lie in `within`, [`BLOCK`] at a time.
    pub(super) fn all(ranges: &[Range<usize>], within: &Range<usize>) -> Vec<Self> {
        let mut all = Vec::new();
        let mut open = Self::default();
        for range in ranges {
            let mut start = range.start.max(within.start);
            let end = range.end.min(within.end);
            while start < end {
                let run = start..end.min(start + BLOCK - open.length);
                start = run.end;
                open.length += run.len();
                open.runs.push(run);
                if open.length == BLOCK {
                    all.push(std::mem::take(&mut open));
                }
            }
        }
        if open.length > 0 {
            all.push(open);
        }
        all
    }

    /// How many keys.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The keys' rows of a cache in f32, `[length, dim]`, in `memory` for [`BLOCK`] of them.
    #[inline(always)]
    pub(super) fn widen<'a>(
        &self,
        source: &impl Source,
        group: &mut Group,
        memory: &'a mut Lines,
    ) -> &'a [f32] {
        let memory = memory.as_mut_slice();
        let dim = memory.len() / BLOCK;
        let mut start = 0;
        for run in &self.runs {
            let end = start + run.len() * dim;
            source.widen(run.clone(), group, &mut memory[start..end]);
            start = end;
        }
        &memory[..start]
    }

    /// How many of the keys are below `key`.
    fn below(&self, key: usize) -> usize {
        self.runs.iter().map(|run| key.clamp(run.start, run.end) - run.start).sum()
    }

    /// Whether all of `rows` may read all of the keys; `None` where none may read any.
    pub(super) fn is_seen_whole(&self, rows: &Range<usize>, visible: &Visible) -> Option<bool> {
        let (first, last) = (visible.row(rows.start), visible.row(rows.end - 1));
        let (start, end) = (self.runs[0].start, self.runs[self.runs.len() - 1].end);
        // What rows may read moves on with them.
        let some = end > first.start && start < last.end;
        some.then_some(last.start <= start && end <= first.end)
    }

    /// Where the keys before (number 0) or after (number 1) those that each of `rows` may read begin and end, counted over the keys:
    /// all beginnings, then all ends. Whether there are any.
    pub(super) fn find_gaps(
        &self,
        number: usize,
        rows: impl Iterator<Item = usize>,
        visible: &Visible,
        gaps: &mut [f32],
    ) -> bool {
        let (starts, ends) = gaps.split_at_mut(gaps.len() / 2);
        let mut found = false;
        for (row, (start, end)) in rows.zip(starts.iter_mut().zip(ends)) {
            let seen = visible.row(row);
            let gap = if number == 0 { 0..self.below(seen.start) } else { self.below(seen.end)..self.length };
            found |= !gap.is_empty();
            (*start, *end) = (gap.start as f32, gap.end as f32);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_gathered_in_order_to_full_blocks() {
        let ranges = [2..3, 5..6, 10..100, 300..301, 400..500];
        let all = Gathered::all(&ranges, &(5..420));
        let keys = |gathered: &Gathered| gathered.runs.iter().cloned().flatten().collect::<Vec<_>>();
        let want: Vec<usize> =
            (0..420).filter(|key| *key >= 5 && ranges.iter().any(|range| range.contains(key))).collect();
        assert_eq!(all.iter().flat_map(keys).collect::<Vec<_>>(), want);
        assert_eq!(all.iter().map(Gathered::length).collect::<Vec<_>>(), [64, 48]);
        assert_eq!(all[1].below(10), 0);
        assert_eq!(all[1].below(301), 28);
        assert_eq!(all[1].below(405), 33);
        assert!(Gathered::all(&ranges, &(3..5)).is_empty());
    }

    #[test]
    fn what_a_row_may_not_read_lies_before_or_after_what_it_may() {
        let gathered = &Gathered::all(&[0..2, 5..8], &(0..10))[0];
        // Rows at 5 and 6, within 3 keys: they may read 3..6 and 4..7 of 0, 1, 5, 6, 7.
        let visible = Visible::new(2, 7, Some(3));
        assert_eq!(gathered.is_seen_whole(&(0..2), &visible), Some(false));
        let mut gaps = [0.0_f32; 4];
        assert!(gathered.find_gaps(0, 0..2, &visible, &mut gaps));
        assert_eq!(gaps.map(|gap| gap as usize), [0, 0, 2, 2]);
        assert!(gathered.find_gaps(1, 0..2, &visible, &mut gaps));
        assert_eq!(gaps.map(|gap| gap as usize), [3, 4, 5, 5]);
        assert_eq!(gathered.is_seen_whole(&(0..2), &Visible::new(2, 12, None)), Some(true));
        assert_eq!(gathered.is_seen_whole(&(0..2), &Visible::new(2, 12, Some(2))), None);
    }
}
