//! Matrix times vector on the CPU, all cores reading.
//!
//! Decoding one token multiplies every weight matrix with a single row: it is bound by how fast weights can be read.
//! libtorch's product with a single row reads with one core, 13 GB/s where two cores read 25.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Vectors of a row that are summed side by side: a fused multiply-add takes four steps to be ready.
const UNROLL: usize = 4;

/// `output = weights x`: `weights` is `[output.len(), x.len()]`, row by row, split over `parts` threads.
pub(super) fn matvec(weights: &[f32], x: &[f32], output: &mut [f32], parts: usize) {
    debug_assert_eq!(weights.len(), x.len() * output.len());
    if output.is_empty() || x.is_empty() {
        return output.fill(0.0);
    }
    if parts < 2 {
        return rows(weights, x, output);
    }
    let height = output.len().div_ceil(parts);
    let pieces = output.par_chunks_mut(height).zip(weights.par_chunks(height * x.len()));
    pieces.for_each(|(output, weights)| rows(weights, x, output));
}

/// One thread's part, with the widest instructions that the processor has.
fn rows(weights: &[f32], x: &[f32], output: &mut [f32]) {
    Arch::new().dispatch(Rows { weights, x, output });
}

struct Rows<'a> {
    weights: &'a [f32],
    x: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (x, x_rest) = S::as_simd_f32s(self.x);
        let (x_blocks, x_vectors) = x.as_chunks::<UNROLL>();
        for (output, row) in self.output.iter_mut().zip(self.weights.chunks_exact(self.x.len())) {
            let (row, row_rest) = S::as_simd_f32s(row);
            let (row_blocks, row_vectors) = row.as_chunks::<UNROLL>();
            let mut sums = [simd.splat_f32s(0.0); UNROLL];
            for (a, b) in row_blocks.iter().zip(x_blocks) {
                for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum = simd.mul_add_f32s(*a, *b, *sum);
                }
            }
            for (sum, (a, b)) in sums.iter_mut().zip(row_vectors.iter().zip(x_vectors)) {
                *sum = simd.mul_add_f32s(*a, *b, *sum);
            }
            let sum = sums.into_iter().reduce(|a, b| simd.add_f32s(a, b));
            let rest: f32 = row_rest.iter().zip(x_rest).map(|(a, b)| a * b).sum();
            *output = sum.map_or(0.0, |sum| simd.reduce_sum_f32s(sum)) + rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matvec;

    /// Values between -1 and 1, different for each seed.
    fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn it_is_the_product_for_every_shape_and_split() {
        for (rows, columns) in
            [(1, 1), (3, 63), (5, 64), (7, 65), (16, 576), (31, 200), (2, 1536), (0, 8), (4, 0)]
        {
            let (weights, x) = (values(rows * columns, 1), values(columns, 2));
            for parts in [1, 2, 3, 8] {
                let mut output = vec![f32::NAN; rows];
                matvec(&weights, &x, &mut output, parts);
                for (row, found) in output.iter().enumerate() {
                    let exact: f64 = (0..columns)
                        .map(|column| f64::from(weights[row * columns + column]) * f64::from(x[column]))
                        .sum();
                    assert!(
                        (f64::from(*found) - exact).abs() < 2e-5,
                        "{rows} x {columns} in {parts}: {found} {exact}"
                    );
                }
            }
        }
    }
}
