//! Weights in panels.

use std::ops::Range;

use crate::cpu::arch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::bf16::round;
use super::tile::FewRows;
use super::tiles::Tiles;
use crate::element::Weight;
use crate::lines::Lines;

/// Rows of weights in a panel.
pub const PANEL: usize = 16;

/// A matrix `[outputs, columns]` in panels.
pub trait Panels: Sync {
    /// Number of rows.
    fn outputs(&self) -> usize;

    /// Number of columns.
    fn columns(&self) -> usize;

    /// Multiplies panels from number `first` on with the rows of `x`, `[rows, columns]`, up to [`MAX_ROWS`](super::MAX_ROWS) of them: `outputs`
    /// has for each row of `x` the outputs of whole panels, but for the last one of the matrix.
    fn multiply_few(&self, first: usize, x: &[f32], outputs: &mut [&mut [f32]]);

    /// The weights of `columns`, whose first is a multiple of 256, in panel `number`: `[columns, 16]`, where they lie, or in `scratch`, which has room for them.
    fn panel<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [f32]) -> &'a [f32];

    /// The same rounded to bf16, two columns a word: `[columns / 2, 16]`. Columns are even in number.
    fn halves<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [u32]) -> &'a [u32] {
        rounded(self, number, columns, scratch)
    }

    /// The weights of row `row` in `output`, which has room for exactly them.
    fn row(&self, row: usize, output: &mut [f32]);
}

/// [`Panels::halves`] of what [`Panels::panel`] gives.
fn rounded<'a>(
    panels: &(impl Panels + ?Sized),
    number: usize,
    columns: Range<usize>,
    scratch: &'a mut [u32],
) -> &'a [u32] {
    let words = &mut scratch[..columns.len() / 2 * PANEL];
    let mut values = Lines::<f32>::zeros(columns.len() * PANEL);
    let values = panels.panel(number, columns, values.as_mut_slice());
    for (words, [first, second]) in words.as_chunks_mut::<PANEL>().0.iter_mut().zip(pairs(values)) {
        for ((word, first), second) in words.iter_mut().zip(first).zip(second) {
            *word = u32::from(round(*first)) | u32::from(round(*second)) << 16;
        }
    }
    words
}

/// Columns of a panel, `[columns, 16]`, two by two.
fn pairs(values: &[f32]) -> impl Iterator<Item = &[[f32; PANEL]; 2]> {
    values.as_chunks::<PANEL>().0.as_chunks::<2>().0.iter()
}

impl<P: Panels + ?Sized> Panels for &P {
    fn outputs(&self) -> usize {
        (**self).outputs()
    }

    fn columns(&self) -> usize {
        (**self).columns()
    }

    fn multiply_few(&self, first: usize, x: &[f32], outputs: &mut [&mut [f32]]) {
        (**self).multiply_few(first, x, outputs);
    }

    fn panel<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [f32]) -> &'a [f32] {
        (**self).panel(number, columns, scratch)
    }

    fn halves<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [u32]) -> &'a [u32] {
        (**self).halves(number, columns, scratch)
    }

    fn row(&self, row: usize, output: &mut [f32]) {
        (**self).row(row, output);
    }
}

/// Plain weights in [packed](pack) panels.
#[derive(Debug)]
pub struct Plain<'a, E: Weight> {
    words: &'a [E::Word],
    outputs: usize,
    columns: usize,
}

impl<'a, E: Weight> Plain<'a, E> {
    /// The matrix `[outputs, columns]` of packed words.
    ///
    /// # Panics
    ///
    /// Where `words` are not those of whole panels.
    #[must_use]
    pub fn new(words: &'a [E::Word], outputs: usize, columns: usize) -> Self {
        let expected = outputs.div_ceil(PANEL) * PANEL * columns.div_ceil(E::PER_WORD);
        assert_eq!(words.len(), expected, "words and matrix do not fit");
        Self { words, outputs, columns }
    }

    /// Words of a panel.
    fn per_panel(&self) -> usize {
        self.columns.div_ceil(E::PER_WORD) * PANEL
    }
}

impl<E: Weight> Panels for Plain<'_, E> {
    fn outputs(&self) -> usize {
        self.outputs
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn multiply_few(&self, first: usize, x: &[f32], outputs: &mut [&mut [f32]]) {
        let (words, _) = E::words(&self.words[first * self.per_panel()..]);
        let x = Tiles::new(x, self.columns);
        arch().dispatch(FewRows::<E>::new(words, self.columns, &x, outputs));
    }

    fn panel<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [f32]) -> &'a [f32] {
        let panel = &self.words[number * self.per_panel()..][..self.per_panel()];
        let words = &panel[columns.start / E::PER_WORD * PANEL..columns.end.div_ceil(E::PER_WORD) * PANEL];
        if let Some(floats) = E::floats(words) {
            return floats;
        }
        let values = &mut scratch[..columns.len() * PANEL];
        arch().dispatch(Widen::<E> { words, values });
        values
    }

    fn halves<'a>(&'a self, number: usize, columns: Range<usize>, scratch: &'a mut [u32]) -> &'a [u32] {
        let panel = &self.words[number * self.per_panel()..][..self.per_panel()];
        let words = &panel[columns.start / E::PER_WORD * PANEL..columns.end / E::PER_WORD * PANEL];
        match E::bf16(words) {
            Some(words) => words,
            None => rounded(self, number, columns, scratch),
        }
    }

    fn row(&self, row: usize, output: &mut [f32]) {
        let panel = &self.words[row / PANEL * self.per_panel()..][..self.per_panel()];
        let words = E::words(panel).0.iter().skip(row % PANEL).step_by(PANEL);
        for (values, word) in output.chunks_mut(E::PER_WORD).zip(words) {
            for (part, value) in values.iter_mut().enumerate() {
                *value = E::widen_word(*word, part);
            }
        }
    }
}

/// Widens the words of a panel to `values`, `[columns, 16]`.
struct Widen<'a, E: Weight> {
    words: &'a [E::Word],
    values: &'a mut [f32],
}

impl<E: Weight> WithSimd for Widen<'_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (words, _) = S::as_simd_u32s(E::words(self.words).0);
        let vectors = PANEL / S::F32_LANES;
        let (values, _) = S::as_mut_simd_f32s(self.values);
        for (words, columns) in words.chunks_exact(vectors).zip(values.chunks_mut(vectors * E::PER_WORD)) {
            for (part, column) in columns.chunks_exact_mut(vectors).enumerate() {
                for (value, words) in column.iter_mut().zip(words) {
                    *value = E::widen_words(simd, *words, part);
                }
            }
        }
    }
}

/// Turns rows of `columns` elements, whole panels of them, into panels where they lie; `PER` elements of a row, side by side, make a word.
///
/// # Panics
///
/// Where they are not whole panels of whole words.
pub fn pack<T: Copy + Send + Sync, const PER: usize>(rows: &mut [T], columns: usize) {
    each_panel::<T, PER>(rows, columns, |panel, rows, index, packed| panel[packed] = rows[index]);
}

/// The inverse of [`pack`].
///
/// # Panics
///
/// Where they are not whole panels of whole words.
pub fn unpack<T: Copy + Send + Sync, const PER: usize>(panels: &mut [T], columns: usize) {
    each_panel::<T, PER>(panels, columns, |panel, packed_panel, index, packed| {
        panel[index] = packed_panel[packed];
    });
}

/// Hands to `put` each panel, a copy of what it was before, and for each element its index in rows and that in packed words.
fn each_panel<T: Copy + Send + Sync, const PER: usize>(
    all: &mut [T],
    columns: usize,
    put: impl Fn(&mut [T], &[T], usize, usize) + Sync,
) {
    let length = PANEL * columns;
    assert!(
        columns.is_multiple_of(PER) && all.len().is_multiple_of(length.max(1)),
        "no whole panels of {columns} columns"
    );
    all.par_chunks_mut(length.max(1)).for_each_init(Vec::new, |before, panel| {
        before.clear();
        before.extend_from_slice(panel);
        for word in 0..columns / PER {
            for row in 0..PANEL {
                for part in 0..PER {
                    put(panel, before, row * columns + word * PER + part, (word * PANEL + row) * PER + part);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{PANEL, pack, unpack};

    #[test]
    fn rows_are_packed_word_by_word_and_come_back() {
        let columns = 6;
        let rows: Vec<u16> = (0..2 * PANEL * columns).map(|at| at as u16).collect();
        let mut packed = rows.clone();
        pack::<u16, 2>(&mut packed, columns);
        // Row 3 of the second panel, columns 4 and 5.
        let at = PANEL * columns + (2 * PANEL + 3) * 2;
        assert_eq!(packed[at..at + 2], rows[(PANEL + 3) * columns + 4..][..2]);
        unpack::<u16, 2>(&mut packed, columns);
        assert_eq!(packed, rows);
        pack::<u16, 1>(&mut packed, columns);
        assert_eq!(packed[PANEL + 5], rows[5 * columns + 1]);
    }
}
