//! Matrix times vector on the CPU, all cores reading.
//!
//! Decoding one token multiplies every weight matrix with a single row: it is bound by how fast weights can be read.
//! libtorch's product with a single row reads f32 and bf16 with one core, 13 GB/s where two cores read 25. (Its f16 product
//! reads with all.) Sums are in f32 whatever the type of the weights.

use std::borrow::Cow;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Vectors of a row that are summed side by side: a fused multiply-add takes four steps to be ready.
const UNROLL: usize = 4;

/// How weights are stored: as words of one or two values.
pub(super) trait Format: Sync {
    /// What is read at once.
    type Word: Copy + Sync;
    /// Values in a word.
    const VALUES: usize;

    /// `x` in the order in which [`Format::dot`] reads it.
    fn arrange(x: &[f32]) -> Cow<'_, [f32]>;

    /// `row . x`, with `x` arranged.
    fn dot<S: Simd>(simd: S, row: &[Self::Word], x: &[f32]) -> f32;
}

/// `output = weights x`: `weights` is `[output.len(), x.len()]`, row by row, split over `parts` threads.
pub(super) fn matvec<F: Format>(weights: &[F::Word], x: &[f32], output: &mut [f32], parts: usize) {
    let width = x.len() / F::VALUES;
    debug_assert_eq!(weights.len(), width * output.len());
    debug_assert_eq!(x.len() % F::VALUES, 0);
    if output.is_empty() || x.is_empty() {
        return output.fill(0.0);
    }
    let (x, arch) = (&*F::arrange(x), Arch::new());
    let rows = |weights, output| arch.dispatch(Rows::<F> { weights, width, x, output });
    if parts < 2 {
        return rows(weights, output);
    }
    let height = output.len().div_ceil(parts);
    let pieces = output.par_chunks_mut(height).zip(weights.par_chunks(height * width));
    pieces.for_each(|(output, weights)| rows(weights, output));
}

/// One thread's part, with the widest instructions that the processor has.
struct Rows<'a, F: Format> {
    weights: &'a [F::Word],
    width: usize,
    x: &'a [f32],
    output: &'a mut [f32],
}

impl<F: Format> WithSimd for Rows<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (output, row) in self.output.iter_mut().zip(self.weights.chunks_exact(self.width)) {
            *output = F::dot(simd, row, self.x);
        }
    }
}

/// f32 as it is.
pub(super) struct F32;

impl Format for F32 {
    type Word = f32;
    const VALUES: usize = 1;

    fn arrange(x: &[f32]) -> Cow<'_, [f32]> {
        Cow::Borrowed(x)
    }

    #[inline(always)]
    fn dot<S: Simd>(simd: S, row: &[f32], x: &[f32]) -> f32 {
        let ((row, row_rest), (x, x_rest)) = (S::as_simd_f32s(row), S::as_simd_f32s(x));
        let (row_blocks, row_vectors) = row.as_chunks::<UNROLL>();
        let (x_blocks, x_vectors) = x.as_chunks::<UNROLL>();
        let mut sums = [simd.splat_f32s(0.0); UNROLL];
        for (a, b) in row_blocks.iter().zip(x_blocks) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                *sum = simd.mul_add_f32s(*a, *b, *sum);
            }
        }
        for (sum, (a, b)) in sums.iter_mut().zip(row_vectors.iter().zip(x_vectors)) {
            *sum = simd.mul_add_f32s(*a, *b, *sum);
        }
        reduce(simd, sums) + row_rest.iter().zip(x_rest).map(|(a, b)| a * b).sum::<f32>()
    }
}

#[inline(always)]
fn reduce<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; UNROLL]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}

/// Two bf16 in a word, the first in its lower half. A bf16 is the upper half of an f32.
pub(super) struct Bf16;

impl Format for Bf16 {
    type Word = u32;
    const VALUES: usize = 2;

    /// The first values of all words, then the second ones.
    fn arrange(x: &[f32]) -> Cow<'_, [f32]> {
        let every_second = |from: usize| x.iter().skip(from).step_by(2).copied();
        Cow::Owned(every_second(0).chain(every_second(1)).collect())
    }

    #[inline(always)]
    fn dot<S: Simd>(simd: S, row: &[u32], x: &[f32]) -> f32 {
        let (first, second) = x.split_at(row.len());
        let (row, row_rest) = S::as_simd_u32s(row);
        let ((first, first_rest), (second, second_rest)) = (S::as_simd_f32s(first), S::as_simd_f32s(second));
        let (sixteen, upper_half) = (simd.splat_u32s(16), simd.splat_u32s(0xFFFF_0000));
        let mut sums = [simd.splat_f32s(0.0); UNROLL];
        let mut add = |at: usize, word: S::u32s, first: S::f32s, second: S::f32s| {
            let lower = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(word, sixteen));
            let upper = simd.transmute_f32s_u32s(simd.and_u32s(word, upper_half));
            sums[at] = simd.mul_add_f32s(lower, first, sums[at]);
            sums[at + 1] = simd.mul_add_f32s(upper, second, sums[at + 1]);
        };
        let (row_pairs, row_last) = row.as_chunks::<2>();
        let ((first_pairs, first_last), (second_pairs, second_last)) =
            (first.as_chunks::<2>(), second.as_chunks::<2>());
        for (word, (first, second)) in row_pairs.iter().zip(first_pairs.iter().zip(second_pairs)) {
            add(0, word[0], first[0], second[0]);
            add(2, word[1], first[1], second[1]);
        }
        for (word, (first, second)) in row_last.iter().zip(first_last.iter().zip(second_last)) {
            add(0, *word, *first, *second);
        }
        let rest = row_rest.iter().zip(first_rest.iter().zip(second_rest));
        let rest = rest.map(|(word, (first, second))| {
            f32::from_bits(word << 16) * first + f32::from_bits(word & 0xFFFF_0000) * second
        });
        reduce(simd, sums) + rest.sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::{Bf16, F32, Format, matvec};

    /// Values between -1 and 1, different for each seed.
    fn values(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// Compares with sums in f64. `store` gives the words of some weights and the values that they hold.
    fn check<F: Format>(store: impl Fn(&[f32]) -> (Vec<F::Word>, Vec<f32>)) {
        let shapes = [(3, 62), (5, 64), (7, 66), (16, 576), (31, 200), (2, 1536), (1, 2), (0, 8), (4, 0)];
        for (rows, columns) in shapes {
            let (words, weights) = store(&values(rows * columns, 1));
            let x = values(columns, 2);
            for parts in [1, 2, 3, 8] {
                let mut output = vec![f32::NAN; rows];
                matvec::<F>(&words, &x, &mut output, parts);
                for (row, found) in output.iter().enumerate() {
                    let products = weights[row * columns..(row + 1) * columns].iter().zip(&x);
                    let exact: f64 = products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    assert!(
                        (f64::from(*found) - exact).abs() < 2e-5,
                        "{rows} x {columns} in {parts}: {found} {exact}"
                    );
                }
            }
        }
    }

    #[test]
    fn it_is_the_product_for_every_shape_and_split() {
        check::<F32>(|values| (values.to_vec(), values.to_vec()));
    }

    #[test]
    fn it_is_the_product_with_what_bf16_holds() {
        check::<Bf16>(|values| {
            let stored: Vec<bf16> = values.iter().map(|&value| bf16::from_f32(value)).collect();
            let pair = |pair: &[bf16]| u32::from(pair[0].to_bits()) | u32::from(pair[1].to_bits()) << 16;
            (stored.chunks(2).map(pair).collect(), stored.iter().map(|value| value.to_f32()).collect())
        });
    }
}
