//! Keys or values of one head, as the kernels for the CPU read them.

use sah_tensor::element::{Element, F32, Factor, ROWS};
use sah_tensor::{Rows, prefetch};

/// Words of rows that a source gives.
pub(super) type Word<S> = <<S as Source>::Factor as Element>::Word;

/// Rows of one head, each of which is multiplied as [`Source::Factor`].
pub(super) trait Source: Sync {
    /// What rows are given as: what is stored, where it can be multiplied so, or f32.
    type Factor: Factor;

    /// The rows `keys`: where they lie, or in `memory`.
    fn rows<'a>(&'a self, keys: [usize; ROWS], memory: &'a mut Memory) -> [&'a [Word<Self>]; ROWS];

    /// Row `key`, likewise.
    fn row<'a>(&'a self, key: usize, memory: &'a mut Memory) -> &'a [Word<Self>];

    /// Writes row `key` to `elements`, in its own order.
    fn widen(&self, key: usize, elements: &mut [f32]);

    /// Has the processor fetch row `key`.
    fn prefetch(&self, key: usize);
}

/// Room for rows of `dim` numbers that are widened before they are multiplied.
pub(super) struct Memory {
    rows: Vec<f32>,
    dim: usize,
}

impl Memory {
    pub(super) fn new(dim: usize) -> Self {
        Self { rows: vec![0.0; ROWS * dim], dim }
    }

    /// The rows `keys` of `source` in f32.
    #[inline(always)]
    fn widened(&mut self, source: &impl Source, keys: [usize; ROWS]) -> [&[f32]; ROWS] {
        for (key, row) in keys.into_iter().zip(self.rows.chunks_exact_mut(self.dim)) {
            source.widen(key, row);
        }
        std::array::from_fn(|row| &self.rows[row * self.dim..(row + 1) * self.dim])
    }

    /// Row `key` of `source` in f32.
    #[inline(always)]
    fn widened_row(&mut self, source: &impl Source, key: usize) -> &[f32] {
        let row = &mut self.rows[..self.dim];
        source.widen(key, row);
        row
    }
}

impl<E: Factor> Source for Rows<'_, E> {
    type Factor = E;

    #[inline(always)]
    fn rows<'a>(&'a self, keys: [usize; ROWS], _: &'a mut Memory) -> [&'a [E::Word]; ROWS] {
        keys.map(|key| Rows::row(self, key))
    }

    #[inline(always)]
    fn row<'a>(&'a self, key: usize, _: &'a mut Memory) -> &'a [E::Word] {
        Rows::row(self, key)
    }

    #[inline(always)]
    fn widen(&self, key: usize, elements: &mut [f32]) {
        E::widen(Rows::row(self, key), elements);
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        prefetch(Rows::row(self, key));
    }
}

/// Rows that are widened once for all heads of a group, and multiplied as f32.
pub(super) struct Widened<'a, E: Element>(pub(super) Rows<'a, E>);

impl<E: Element> Source for Widened<'_, E> {
    type Factor = F32;

    #[inline(always)]
    fn rows<'a>(&'a self, keys: [usize; ROWS], memory: &'a mut Memory) -> [&'a [f32]; ROWS] {
        memory.widened(self, keys)
    }

    #[inline(always)]
    fn row<'a>(&'a self, key: usize, memory: &'a mut Memory) -> &'a [f32] {
        memory.widened_row(self, key)
    }

    #[inline(always)]
    fn widen(&self, key: usize, elements: &mut [f32]) {
        E::widen(self.0.row(key), elements);
    }

    #[inline(always)]
    fn prefetch(&self, key: usize) {
        prefetch(self.0.row(key));
    }
}
