//! The keys that a row may read at all, whatever a mask names.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::mask::MaskShape;
use crate::positions::Positions;

/// The keys that each row may read, whatever is selected; see [`AttentionInputs::visible`](crate::AttentionInputs::visible).
///
/// Row `i` stands at position `p = K - Q + i` and may read keys `p - w < j <= p`, where `w` is the sliding window of the
/// layer; without one, keys `j <= p`.
///
/// Where keys were evicted, keys are still counted as they lie in the cache, while the window goes by their [`Positions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    queries: usize,
    keys: usize,
    /// Number of keys, the row's own included.
    window: Option<usize>,
    positions: Positions,
}

impl Visible {
    /// Within `window` keys, the row's own included.
    pub(crate) fn new(queries: usize, keys: usize, window: Option<usize>) -> Self {
        Self { queries, keys, window, positions: Positions::WHOLE }
    }

    /// Where the keys stand at `positions`, those of the rows one after another.
    pub(crate) fn at(self, positions: &Positions) -> Self {
        Self { positions: positions.clone(), ..self }
    }

    /// Everything up to each row's position.
    pub(crate) fn causal(shape: &MaskShape) -> Self {
        Self::new(shape.queries, shape.keys, None)
    }

    /// Whether a window keeps a row from a key before it.
    #[must_use]
    pub fn is_windowed(&self) -> bool {
        self.window.is_some_and(|window| window < self.positions.length(self.keys))
    }

    /// The keys of row `row`; never empty.
    #[must_use]
    pub fn row(&self, row: usize) -> Range<usize> {
        let end = self.keys - self.queries + row + 1;
        let Some(window) = self.window else { return 0..end };
        let begins = self.positions.length(end).saturating_sub(window);
        self.positions.first_from(begins)..end
    }

    /// Number of `(row, key)` pairs in one head, evicted keys included.
    #[must_use]
    pub fn entries(&self) -> usize {
        let ends = (1..=self.queries).map(|row| self.positions.length(self.keys - self.queries + row));
        ends.map(|end| self.window.map_or(end, |window| window.min(end))).sum()
    }

    /// Number of `(row, key)` pairs in one head, without evicted keys.
    #[must_use]
    pub fn readable(&self) -> usize {
        (0..self.queries).map(|row| self.row(row).len()).sum()
    }

    /// Where an index of `indices`, `[B, H, Q, N]`, is a key that its row may read: the same shape, of `Bool`. Negative
    /// indices are padding.
    pub fn permits(&self, indices: &Tensor) -> Result<Tensor> {
        let listed = indices.f_ge(0)?;
        if self.queries == 1 && !self.is_windowed() {
            return Ok(listed);
        }
        let of_rows = |bound: fn(Range<usize>) -> usize| -> Result<Tensor> {
            let bounds: Vec<i64> = (0..self.queries).map(|row| bound(self.row(row)) as i64).collect();
            Ok(Tensor::f_from_slice(&bounds)?.f_view([1, 1, -1, 1])?.f_to_device(indices.device())?)
        };
        let seen = listed.f_logical_and(&indices.f_lt_tensor(&of_rows(|seen| seen.end)?)?)?;
        if !self.is_windowed() {
            return Ok(seen);
        }
        Ok(seen.f_logical_and(&indices.f_ge_tensor(&of_rows(|seen| seen.start)?)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_at_the_row() {
        let rows = |window| {
            let visible = Visible::new(3, 5, window);
            (visible.is_windowed(), (0..3).map(|row| visible.row(row)).collect::<Vec<_>>(), visible.entries())
        };
        assert_eq!(rows(None), (false, vec![0..3, 0..4, 0..5], 12));
        assert_eq!(rows(Some(5)), (false, vec![0..3, 0..4, 0..5], 12), "a window over all keys is none");
        assert_eq!(rows(Some(3)), (true, vec![0..3, 1..4, 2..5], 9));
        assert_eq!(rows(Some(1)), (true, vec![2..3, 3..4, 4..5], 3));
    }

    #[test]
    fn a_window_goes_by_positions_where_keys_were_evicted() {
        // Positions 0, 1, 6, 7, 8 are there; rows at 7 and 8.
        let rows = |window| {
            let visible = Visible::new(2, 5, window).at(&Positions::with_gap(2, 4));
            (visible.is_windowed(), [visible.row(0), visible.row(1)], visible.entries())
        };
        assert_eq!(rows(None), (false, [0..4, 0..5], 8 + 9));
        assert_eq!(rows(Some(9)), (false, [0..4, 0..5], 8 + 9));
        assert_eq!(rows(Some(8)), (true, [0..4, 1..5], 8 + 8));
        assert_eq!(rows(Some(7)), (true, [1..4, 2..5], 7 + 7));
        assert_eq!(rows(Some(4)), (true, [2..4, 2..5], 4 + 4));
        assert_eq!(rows(Some(2)), (true, [2..4, 3..5], 2 + 2));
    }

    #[test]
    fn a_window_goes_by_the_positions_of_single_keys() {
        // Positions 0, 3, 4, 9, 10 are there; rows at 9 and 10.
        let positions = Positions::listed(vec![0, 3, 4], 9).unwrap();
        let rows = |window| {
            let visible = Visible::new(2, 5, window).at(&positions);
            (visible.is_windowed(), [visible.row(0), visible.row(1)], visible.entries())
        };
        assert_eq!(rows(None), (false, [0..4, 0..5], 10 + 11));
        assert_eq!(rows(Some(11)), (false, [0..4, 0..5], 10 + 11));
        assert_eq!(rows(Some(8)), (true, [1..4, 1..5], 8 + 8));
        assert_eq!(rows(Some(6)), (true, [2..4, 3..5], 6 + 6));
        assert_eq!(rows(Some(1)), (true, [3..4, 4..5], 1 + 1));
    }

    #[test]
    fn indices_are_kept_where_their_row_may_read_them() {
        let indices = Tensor::from_slice(&[0i64, 2, 3, -1, 0, 2, 3, 4]).view([1, 1, 2, 4]);
        let kept = |window| {
            let kept = Visible::new(2, 5, window).permits(&indices).unwrap();
            Vec::<bool>::try_from(kept.flatten(0, -1)).unwrap()
        };
        assert_eq!(kept(None), [true, true, true, false, true, true, true, true]);
        assert_eq!(kept(Some(2)), [false, true, true, false, false, false, true, true]);
        let one = Tensor::from_slice(&[0i64, 3, 4, -1]).view([1, 1, 1, 4]);
        let kept = Visible::new(1, 5, Some(2)).permits(&one).unwrap();
        assert_eq!(Vec::<bool>::try_from(kept.flatten(0, -1)).unwrap(), [false, true, true, false]);
    }
}
