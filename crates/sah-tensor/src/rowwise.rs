//! The small operations between the products of a layer, for rows in f32: one pass each, by several threads.
//!
//! # Panics
//!
//! All functions panic where the length of a slice is no whole number of rows, or differs from that of its partner.

#![expect(clippy::missing_panics_doc, reason = "said once above")]

use crate::cpu::arch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::exp::exp;

/// Rows that are not worth a second thread.
const FEW_ROWS: usize = 8;

/// Hands `rows`, each of `size` values, to `work` in one piece for each thread, with the number of its first row.
fn over_rows(rows: &mut [f32], size: usize, threads: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    if rows.is_empty() {
        return;
    }
    assert!(size > 0 && rows.len().is_multiple_of(size), "{} values are no rows of {size}", rows.len());
    let count = rows.len() / size;
    if count <= FEW_ROWS {
        return work(0, rows);
    }
    let piece = count.div_ceil(threads.max(1));
    let pieces = rows.par_chunks_mut(piece * size).enumerate().with_max_len(1);
    pieces.for_each(|(number, rows)| work(number * piece, rows));
}

/// Writes `x / sqrt(mean(x^2) + eps) * weight` of each row of `x`, which is as long as `weight`, to `output`.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, output: &mut [f32], threads: usize) {
    assert_eq!(x.len(), output.len());
    over_rows(output, weight.len(), threads, |first, rows| {
        rows.copy_from_slice(&x[first * weight.len()..][..rows.len()]);
        arch().dispatch(Normalise { rows, weight, eps });
    });
}

/// Replaces the first half of each row of `both`, `2 width` values, by `silu(first half) * second half`.
pub fn silu_gate(both: &mut [f32], width: usize, threads: usize) {
    over_rows(both, 2 * width, threads, |_, rows| {
        for row in rows.chunks_exact_mut(2 * width) {
            let (gates, ups) = row.split_at_mut(width);
            arch().dispatch(SiluGate { gates, ups });
        }
    });
}

/// Normalises the first heads of each row of `x`, `row` values, in place: as many as `weight`, `[heads, dim]`, has rows for.
pub fn rms_norm_heads(x: &mut [f32], row: usize, weight: &[f32], dim: usize, eps: f32, threads: usize) {
    assert!(dim > 0 && weight.len() <= row && weight.len().is_multiple_of(dim));
    over_rows(x, row, threads, |_, rows| {
        for row in rows.chunks_exact_mut(row) {
            for (head, weight) in row.chunks_exact_mut(dim).zip(weight.chunks_exact(dim)) {
                arch().dispatch(Normalise { rows: head, weight, eps });
            }
        }
    });
}

/// Which heads of a row are rotated, and how far.
#[derive(Debug, Clone, Copy)]
pub struct HeadRotation<'a> {
    /// Values of a row.
    pub row: usize,
    /// Heads that are rotated: the first ones of a row.
    pub heads: usize,
    /// Values of a head.
    pub dim: usize,
    /// Values of a head that are rotated: the first ones.
    pub rotary: usize,
    /// Which values are turned together.
    pub pairs: Pairs,
    /// Cosines, `[rows, rotary]`, those of a pair alike.
    pub cos: &'a [f32],
    /// Sines, the same.
    pub sin: &'a [f32],
}

/// Which values of a head are turned together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairs {
    /// Value `i` of the first half and value `i` of the second.
    #[default]
    Halves,
    /// Values `2 i` and `2 i + 1`.
    Neighbours,
}

/// Rotates heads of each row of `x` in place: of each pair, `(a cos - b sin, b cos + a sin)`.
pub fn rotate_heads(x: &mut [f32], rotation: HeadRotation<'_>, threads: usize) {
    let HeadRotation { row, heads, dim, rotary, pairs, cos, sin } = rotation;
    assert!(rotary > 0 && rotary.is_multiple_of(2) && rotary <= dim && heads * dim <= row);
    assert!(cos.len() == sin.len() && x.len() * rotary == cos.len() * row);
    over_rows(x, row, threads, |first, rows| {
        let angles = cos.chunks_exact(rotary).zip(sin.chunks_exact(rotary)).skip(first);
        for (row, (cos, sin)) in rows.chunks_exact_mut(row).zip(angles) {
            for head in row.chunks_exact_mut(dim).take(heads) {
                let head = &mut head[..rotary];
                match pairs {
                    Pairs::Halves => {
                        let (first, second) = head.split_at_mut(rotary / 2);
                        for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
                            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                        }
                    }
                    Pairs::Neighbours => {
                        let angles = cos.iter().zip(sin).step_by(2);
                        for ([a, b], (cos, sin)) in head.as_chunks_mut().0.iter_mut().zip(angles) {
                            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                        }
                    }
                }
            }
        }
    });
}

/// `x += y`, rows of `size` values.
pub fn add(x: &mut [f32], y: &[f32], size: usize, threads: usize) {
    assert_eq!(x.len(), y.len());
    over_rows(x, size, threads, |first, rows| {
        for (x, y) in rows.iter_mut().zip(&y[first * size..]) {
            *x += y;
        }
    });
}

/// Normalises rows as long as `weight`, in place.
struct Normalise<'a> {
    rows: &'a mut [f32],
    weight: &'a [f32],
    eps: f32,
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let size = self.weight.len();
        for row in self.rows.chunks_exact_mut(size) {
            let mean = sum_of_squares(simd, row) / size as f32;
            let factor = (mean + self.eps).sqrt().recip();
            for (x, weight) in row.iter_mut().zip(self.weight) {
                *x *= factor * weight;
            }
        }
    }
}

/// The sum of the squares of a row.
#[inline(always)]
fn sum_of_squares<S: Simd>(simd: S, row: &[f32]) -> f32 {
    // A fused multiply-add takes four steps to be ready.
    const UNROLL: usize = 4;
    let (vectors, rest) = S::as_simd_f32s(row);
    let (blocks, last) = vectors.as_chunks::<UNROLL>();
    let mut sums = [simd.splat_f32s(0.0); UNROLL];
    for block in blocks {
        for (sum, vector) in sums.iter_mut().zip(block) {
            *sum = simd.mul_add_f32s(*vector, *vector, *sum);
        }
    }
    for (sum, vector) in sums.iter_mut().zip(last) {
        *sum = simd.mul_add_f32s(*vector, *vector, *sum);
    }
    let [a, b, c, d] = sums;
    let sum = simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)));
    sum + rest.iter().map(|value| value * value).sum::<f32>()
}

/// `silu(gate) * up`, in the place of the gates.
struct SiluGate<'a> {
    gates: &'a mut [f32],
    ups: &'a [f32],
}

impl WithSimd for SiluGate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (gates, rest_gates) = S::as_mut_simd_f32s(self.gates);
        let (ups, rest_ups) = S::as_simd_f32s(self.ups);
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        for (place, &up) in gates.iter_mut().zip(ups) {
            let gate = *place;
            // sigmoid(x) = 1 / (1 + e) for x >= 0 and e / (1 + e) below, with e = exp(-|x|), which does not overflow.
            let e = exp(simd, simd.min_f32s(gate, simd.neg_f32s(gate)));
            let above = simd.select_f32s(simd.less_than_f32s(gate, zero), e, one);
            let sigmoid = simd.div_f32s(above, simd.add_f32s(one, e));
            *place = simd.mul_f32s(simd.mul_f32s(gate, sigmoid), up);
        }
        for (place, up) in rest_gates.iter_mut().zip(rest_ups) {
            *place = *place / (1.0 + (-*place).exp()) * up;
        }
    }
}
