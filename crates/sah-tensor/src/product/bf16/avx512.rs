//! Dot products of vectors: AVX512-BF16.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_store_ps,
};
use std::mem::transmute;

use rayon::prelude::*;

use super::{Inputs, Output, write};
use crate::cpu::Instructions;
use crate::lines::Lines;
use crate::product::panels::{PANEL, Panels};

/// Rows of inputs of a tile.
pub(super) const HEIGHT: usize = 8;

/// Panels whose sums fit into registers beside them.
const TOGETHER: usize = 3;

/// The sums of a tile with the panels.
#[repr(align(64))]
struct Sums([[[f32; PANEL]; TOGETHER]; HEIGHT]);

pub(super) fn is_available() -> bool {
    Instructions::Bf16Vectors.are_allowed()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bf16")
}

/// Word by word: `[tiles, words, HEIGHT]`.
pub(super) fn arrange(x: &[u32], words: usize) -> Inputs {
    let (rows, stride) = (x.len() / words, words * HEIGHT);
    let mut all = Lines::<u32>::zeros(rows.div_ceil(HEIGHT) * stride);
    let tiles = all.as_mut_slice().par_chunks_mut(stride).zip(x.par_chunks(HEIGHT * words));
    tiles.with_min_len(8).for_each(|(tile, x)| {
        for (row, x) in x.chunks_exact(words).enumerate() {
            for (word, x) in tile[row..].iter_mut().step_by(HEIGHT).zip(x) {
                *word = *x;
            }
        }
    });
    Inputs { words: all, stride }
}

#[expect(unsafe_code, reason = "calls a function that needs features of the processor")]
pub(super) fn multiply<O: Output>(
    weights: &dyn Panels,
    first: usize,
    x: &Inputs,
    first_tile: usize,
    outputs: &mut [&mut [O]],
) {
    let panels = outputs[0].len().div_ceil(PANEL);
    let columns = weights.columns();
    let length = columns / 2 * PANEL;
    let mut scratch = Lines::<u32>::zeros(TOGETHER * length);
    for panel in (0..panels).step_by(TOGETHER) {
        let mut words = [&[][..]; TOGETHER];
        let of_panels = scratch.as_mut_slice().chunks_exact_mut(length);
        for ((number, words), scratch) in words.iter_mut().enumerate().zip(of_panels) {
            // The last one stands for those that are not there: nobody wants their sums.
            let number = first + (panel + number).min(panels - 1);
            *words = weights.halves(number, 0..columns, scratch).as_chunks().0;
        }
        let tiles = x.words.as_slice()[first_tile * x.stride..].chunks_exact(x.stride);
        for (tile, outputs) in tiles.zip(outputs.chunks_mut(HEIGHT)) {
            let mut sums = Sums([[[0.0; PANEL]; TOGETHER]; HEIGHT]);
            // SAFETY: the processor has these features: `product::multiply_bf16` asked `is_available`.
            unsafe { multiply_tile(tile.as_chunks().0, &words, &mut sums) };
            for (outputs, sums) in outputs.iter_mut().zip(&sums.0) {
                write(&mut outputs[panel * PANEL..], sums.as_flattened());
            }
        }
    }
}

/// Writes to `sums` those of a tile of inputs, `[words, HEIGHT]`, with `panels`, `[words, 16]`.
#[target_feature(enable = "avx512f,avx512bf16")]
#[expect(unsafe_code, reason = "loads and stores vectors")]
fn multiply_tile(x: &[[u32; HEIGHT]], panels: &[&[[u32; PANEL]]; TOGETHER], sums: &mut Sums) {
    let mut held = [[_mm512_setzero_ps(); TOGETHER]; HEIGHT];
    let mut of_panels = [&[][..]; TOGETHER];
    for (own, panel) in of_panels.iter_mut().zip(panels) {
        *own = &panel[..x.len()];
    }
    for (at, x) in x.iter().enumerate() {
        let mut weights = [_mm512_setzero_ps(); TOGETHER];
        for (weights, panel) in weights.iter_mut().zip(of_panels) {
            // SAFETY: a vector is 16 words, wherever they lie, and any bits are numbers.
            *weights = unsafe { std::ptr::read_unaligned(panel[at].as_ptr().cast::<__m512>()) };
        }
        for (held, x) in held.iter_mut().zip(x) {
            // SAFETY: vectors of one size, for any bits of which there are numbers.
            let x = unsafe { transmute::<__m512i, __m512bh>(_mm512_set1_epi32(x.cast_signed())) };
            for (sum, weights) in held.iter_mut().zip(weights) {
                // SAFETY: as above.
                *sum = _mm512_dpbf16_ps(*sum, x, unsafe { transmute::<__m512, __m512bh>(weights) });
            }
        }
    }
    for (sums, held) in sums.0.iter_mut().zip(held) {
        for (sums, held) in sums.iter_mut().zip(held) {
            // SAFETY: 16 numbers are a vector's size; where they lie is aligned as one.
            unsafe { _mm512_store_ps(sums.as_mut_ptr(), held) };
        }
    }
}
