//! The keys that a row may read at all, whatever a mask names.

use std::ops::Range;

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::mask::MaskShape;

/// Row `i` stands at position `p = K - Q + i` and may read keys `p - w < j <= p`, where `w` is the sliding window of the
/// layer; without one, keys `j <= p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visible {
    queries: usize,
    keys: usize,
    /// Number of keys, the row's own included; `None` also where every row reads all keys before it anyway.
    window: Option<usize>,
}

impl Visible {
    /// Within `window` keys, the row's own included.
    pub(crate) fn new(queries: usize, keys: usize, window: Option<usize>) -> Self {
        Self { queries, keys, window: window.filter(|&window| window < keys) }
    }

    /// Everything up to each row's position.
    pub(crate) fn causal(shape: &MaskShape) -> Self {
        Self::new(shape.queries, shape.keys, None)
    }

    /// Whether a window keeps a row from a key before it.
    pub(crate) fn is_windowed(&self) -> bool {
        self.window.is_some()
    }

    /// The keys of row `row`; never empty.
    pub(crate) fn row(&self, row: usize) -> Range<usize> {
        let end = self.keys - self.queries + row + 1;
        self.window.map_or(0, |window| end.saturating_sub(window))..end
    }

    /// Number of `(row, key)` pairs in one head.
    pub(crate) fn entries(&self) -> usize {
        let all = self.queries * (self.keys - self.queries) + self.queries * (self.queries + 1) / 2;
        match self.window {
            None => all,
            Some(_) => (0..self.queries).map(|row| self.row(row).len()).sum(),
        }
    }

    /// Where an index of `indices`, `[B, H, Q, N]`, is a key that its row may read: the same shape, of `Bool`. Negative
    /// indices are padding.
    pub(crate) fn of_indices(&self, indices: &Tensor) -> Result<Tensor> {
        let listed = indices.f_ge(0)?;
        if self.queries == 1 && self.window.is_none() {
            return Ok(listed);
        }
        let past = (self.keys - self.queries) as i64;
        let options = (Kind::Int64, indices.device());
        let position = Tensor::f_arange_start(past, self.keys as i64, options)?.f_view([1, 1, -1, 1])?;
        let seen = listed.f_logical_and(&indices.f_le_tensor(&position)?)?;
        match self.window {
            None => Ok(seen),
            Some(window) => {
                let first = position.f_sub_scalar(window as i64 - 1)?;
                Ok(seen.f_logical_and(&indices.f_ge_tensor(&first)?)?)
            }
        }
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
    fn indices_are_kept_where_their_row_may_read_them() {
        let indices = Tensor::from_slice(&[0i64, 2, 3, -1, 0, 2, 3, 4]).view([1, 1, 2, 4]);
        let kept = |window| {
            let kept = Visible::new(2, 5, window).of_indices(&indices).unwrap();
            Vec::<bool>::try_from(kept.flatten(0, -1)).unwrap()
        };
        assert_eq!(kept(None), [true, true, true, false, true, true, true, true]);
        assert_eq!(kept(Some(2)), [false, true, true, false, false, false, true, true]);
        let one = Tensor::from_slice(&[0i64, 3, 4, -1]).view([1, 1, 1, 4]);
        let kept = Visible::new(1, 5, Some(2)).of_indices(&one).unwrap();
        assert_eq!(Vec::<bool>::try_from(kept.flatten(0, -1)).unwrap(), [false, true, true, false]);
    }
}
