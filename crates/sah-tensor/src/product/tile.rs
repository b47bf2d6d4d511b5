//! Products of a tile of rows of inputs with some panels: all sums are held in registers.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::block_of_columns;
use super::panels::{PANEL, Panels};
use super::tiles::Tiles;
use crate::element::{F32, Parts};
use crate::lines::Lines;

/// Rows of inputs whose sums fit into the registers of any processor, beside one panel.
#[cfg(target_arch = "x86_64")]
pub(super) const TALLEST: usize = 8;
#[cfg(not(target_arch = "x86_64"))]
pub(super) const TALLEST: usize = 6;

/// The sums of `R` rows of inputs with `N` panels.
#[repr(align(64))]
struct Sums<const R: usize, const N: usize>([[[f32; PANEL]; N]; R]);

/// Writes to `sums` the products of a tile of `R` rows of inputs, `[columns, R]`, with `N` panels of words, `[columns / per word, 16]`. A panel is `W` vectors wide.
#[inline(always)]
fn multiply<S: Simd, E: Parts, const R: usize, const N: usize, const W: usize>(
    simd: S,
    x: &[f32],
    panels: [&[u32]; N],
    sums: &mut Sums<R, N>,
) {
    let mut held = [[[simd.splat_f32s(0.0); W]; N]; R];
    let count = panels[0].len() / PANEL;
    let mut vectors = [&[][..]; N];
    // Loops, not closures: those would not get the instructions of `simd`. Slices of one length: their elements are then not checked.
    for (vectors, panel) in vectors.iter_mut().zip(panels) {
        *vectors = &S::as_simd_u32s(panel).0.as_chunks::<W>().0[..count];
    }
    let x = &x.as_chunks::<R>().0[..count * E::PER_WORD];
    for at in 0..count {
        for part in 0..E::PER_WORD {
            let mut weights = [[simd.splat_f32s(0.0); W]; N];
            for (weights, panel) in weights.iter_mut().zip(&vectors) {
                for (weight, words) in weights.iter_mut().zip(panel[at]) {
                    *weight = E::widen_words(simd, words, part);
                }
            }
            for (held, x) in held.iter_mut().zip(x[at * E::PER_WORD + part]) {
                let x = simd.splat_f32s(x);
                for (held, weights) in held.iter_mut().zip(&weights) {
                    for (sum, weight) in held.iter_mut().zip(weights) {
                        *sum = simd.mul_add_f32s(x, *weight, *sum);
                    }
                }
            }
        }
    }
    for (sums, held) in sums.0.iter_mut().zip(&held) {
        for (sums, held) in sums.iter_mut().zip(held) {
            for (sums, held) in S::as_mut_simd_f32s(sums).0.iter_mut().zip(held) {
                *sums = *held;
            }
        }
    }
}

impl<const R: usize, const N: usize> Sums<R, N> {
    const ZERO: Self = Self([[[0.0; PANEL]; N]; R]);

    /// Writes them to the outputs `first` and following of each row of `outputs`, or adds them there.
    #[inline(always)]
    fn write(&self, outputs: &mut [&mut [f32]], first: usize, adds: bool) {
        for (sums, outputs) in self.0.iter().zip(outputs) {
            let sums = sums.as_flattened();
            let count = sums.len().min(outputs.len() - first);
            let outputs = &mut outputs[first..first + count];
            if adds {
                outputs.iter_mut().zip(sums).for_each(|(output, sum)| *output += sum);
            } else {
                outputs.copy_from_slice(&sums[..count]);
            }
        }
    }
}

/// `$of.run::<S, R, N, W>($simd)` for tiles of `$height` rows, with as many panels at once as there are registers for.
macro_rules! run_with_sizes {
    ($of:ident, $S:ident, $simd:ident, $height:expr) => {
        match $S::F32_LANES {
            16 => run_with_sizes!(@ $of, $S, $simd, $height, 1, 1 8, 2 8, 3 6, 4 6, 5 4, 6 4, 7 3, 8 3),
            8 => run_with_sizes!(@ $of, $S, $simd, $height, 2, 1 4, 2 2, 3 2, 4 1, 5 1, 6 1, 7 1, 8 1),
            4 => run_with_sizes!(@ $of, $S, $simd, $height, 4, 1 4, 2 2, 3 2, 4 1, 5 1, 6 1, 7 1, 8 1),
            // Without vectors all is as slow, whatever is held in registers.
            _ => run_with_sizes!(@ $of, $S, $simd, $height, 16, 1 1, 2 1, 3 1, 4 1, 5 1, 6 1, 7 1, 8 1),
        }
    };
    (@ $of:ident, $S:ident, $simd:ident, $height:expr, $w:literal, $($r:literal $n:literal),*) => {
        match $height {
            $($r => $of.run::<$S, $r, $n, $w>($simd),)*
            other => unreachable!("a tile of {other} rows"),
        }
    };
}

/// Few rows of inputs with panels whose words are widened as they are read.
pub(super) struct FewRows<'a, 'b, E> {
    /// Of panels.
    words: &'a [u32],
    columns: usize,
    x: &'a Tiles,
    /// For each row of inputs, those of these panels; the last panel may have fewer than 16.
    outputs: &'a mut [&'b mut [f32]],
    element: PhantomData<E>,
}

impl<'a, 'b, E: Parts> FewRows<'a, 'b, E> {
    pub(super) fn new(
        words: &'a [u32],
        columns: usize,
        x: &'a Tiles,
        outputs: &'a mut [&'b mut [f32]],
    ) -> Self {
        Self { words, columns, x, outputs, element: PhantomData }
    }
}

impl<E: Parts> WithSimd for FewRows<'_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        run_with_sizes!(self, S, simd, self.x.height());
    }
}

impl<E: Parts> FewRows<'_, '_, E> {
    #[inline(always)]
    fn run<S: Simd, const R: usize, const N: usize, const W: usize>(&mut self, simd: S) {
        let count = self.outputs[0].len().div_ceil(PANEL);
        for first in (0..count).step_by(N) {
            self.panels::<S, R, N, W>(simd, first, count - 1);
        }
    }

    /// `N` panels from number `first` on. Where there are fewer, `last` stands for those that are not there: nobody wants their sums.
    #[inline(always)]
    fn panels<S: Simd, const R: usize, const N: usize, const W: usize>(
        &mut self,
        simd: S,
        first: usize,
        last: usize,
    ) {
        let words = self.columns.div_ceil(E::PER_WORD) * PANEL;
        let block = block_of_columns(self.columns);
        let mut sums = Sums::<R, N>::ZERO;
        for start in (0..self.columns).step_by(block) {
            let end = self.columns.min(start + block);
            let part = start / E::PER_WORD * PANEL..end.div_ceil(E::PER_WORD) * PANEL;
            let mut panels = [&[][..]; N];
            for (number, panel) in panels.iter_mut().enumerate() {
                *panel = &self.words[last.min(first + number) * words..][part.clone()];
            }
            for (x, outputs) in self.x.from(0).zip(self.outputs.chunks_mut(R)) {
                multiply::<S, E, R, N, W>(simd, &x[start * R..], panels, &mut sums);
                sums.write(outputs, first * PANEL, start > 0);
            }
        }
    }
}

/// Many rows of inputs with panels that are widened before.
pub(super) struct ManyRows<'a, 'b> {
    pub(super) weights: &'a dyn Panels,
    /// Number of the first panel.
    pub(super) first: usize,
    pub(super) x: &'a Tiles,
    /// Number of the first tile.
    pub(super) first_tile: usize,
    /// For each row of inputs from that tile on, those of the panels; the last panel may have fewer than 16.
    pub(super) outputs: &'a mut [&'b mut [f32]],
}

impl WithSimd for ManyRows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        run_with_sizes!(self, S, simd, self.x.height());
    }
}

impl ManyRows<'_, '_> {
    #[inline(always)]
    fn run<S: Simd, const R: usize, const N: usize, const W: usize>(&mut self, simd: S) {
        let count = self.outputs[0].len().div_ceil(PANEL);
        let mut scratch = Lines::zeros(N * block_of_columns(self.weights.columns()) * PANEL);
        for panel in (0..count).step_by(N) {
            self.panels::<S, R, N, W>(simd, (panel, count - 1), scratch.as_mut_slice());
        }
    }

    /// `N` panels from number `panel` of these on. Where there are fewer, `last` stands for those that are not there.
    #[inline(always)]
    fn panels<S: Simd, const R: usize, const N: usize, const W: usize>(
        &mut self,
        simd: S,
        (panel, last): (usize, usize),
        scratch: &mut [f32],
    ) {
        let columns = self.weights.columns();
        let block = block_of_columns(columns);
        let mut sums = Sums::<R, N>::ZERO;
        for start in (0..columns).step_by(block) {
            let part = start..columns.min(start + block);
            let mut panels = [&[][..]; N];
            let of_panels = scratch.chunks_exact_mut(block * PANEL);
            for ((number, words), scratch) in panels.iter_mut().enumerate().zip(of_panels) {
                let number = self.first + last.min(panel + number);
                *words = F32::words(self.weights.panel(number, part.clone(), scratch)).0;
            }
            for (x, outputs) in self.x.from(self.first_tile).zip(self.outputs.chunks_mut(R)) {
                multiply::<S, F32, R, N, W>(simd, &x[start * R..], panels, &mut sums);
                sums.write(outputs, panel * PANEL, start > 0);
            }
        }
    }
}
