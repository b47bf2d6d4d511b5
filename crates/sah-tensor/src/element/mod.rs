//! Rows of numbers in the forms in which they are stored; products and sums are in f32.

mod codes;
mod halves;
mod int8;
mod parts;

use pulp::Simd;
use pulp::bytemuck::{Pod, cast_slice};

pub use codes::{Codes, scale_codes, scale_groups};
pub use halves::{Bf16, F16};
pub use int8::Int8;
pub use parts::Parts;

/// Vectors of a product that are summed side by side: a fused multiply-add takes four steps to be ready.
const UNROLL: usize = 4;

/// Rows that are read side by side: what they are multiplied with or added to is loaded once for all. Where they lie apart,
/// memory is read in as many streams, each of which the processor fetches ahead: 10.8 GB/s on one core where one has 8.1.
pub const ROWS: usize = 4;

/// A form in which numbers are stored, read as words of one or more of them. A row may end with a word that is none of them.
pub trait Element: Sync {
    /// What is read at once.
    type Word: Pod + Sync;
    /// Elements in a word.
    const PER_WORD: usize;

    /// Writes the elements of `row` to `elements`, in their own order: plain loops, which the compiler turns into vector
    /// instructions where the caller has those.
    fn widen(row: &[Self::Word], elements: &mut [f32]);
}

/// An element of weights, which few rows of inputs are multiplied with. Inputs are [arranged](Parts::arrange).
pub trait Factor: Parts {
    /// `x . row`, with `x` arranged.
    fn dot<S: Simd>(simd: S, x: &[f32], row: &[Self::Word]) -> f32;

    /// [`Factor::dot`] of `x` with each of `rows`.
    #[inline(always)]
    fn dots<S: Simd>(simd: S, x: &[f32], rows: [&[Self::Word]; ROWS]) -> [f32; ROWS] {
        // No closure: it would not get the instructions of `simd`.
        let [a, b, c, d] = rows;
        [Self::dot(simd, x, a), Self::dot(simd, x, b), Self::dot(simd, x, c), Self::dot(simd, x, d)]
    }

    /// [`Factor::dots`] of both vectors.
    #[inline(always)]
    fn dots_of_two<S: Simd>(simd: S, x: [&[f32]; 2], rows: [&[Self::Word]; ROWS]) -> [[f32; ROWS]; 2] {
        [Self::dots(simd, x[0], rows), Self::dots(simd, x[1], rows)]
    }
}

/// f32 as it is.
#[derive(Debug, Clone, Copy)]
pub struct F32;

impl Element for F32 {
    type Word = f32;
    const PER_WORD: usize = 1;

    #[inline(always)]
    fn widen(row: &[f32], elements: &mut [f32]) {
        elements.copy_from_slice(row);
    }
}

impl Parts for F32 {
    #[inline(always)]
    fn words(row: &[f32]) -> (&[u32], f32) {
        (cast_slice(row), 1.0)
    }

    #[inline(always)]
    fn widen_words<S: Simd>(simd: S, words: S::u32s, _: usize) -> S::f32s {
        simd.transmute_f32s_u32s(words)
    }

    #[inline(always)]
    fn widen_word(word: u32, _: usize) -> f32 {
        f32::from_bits(word)
    }
}

impl Factor for F32 {
    #[inline(always)]
    fn dot<S: Simd>(simd: S, x: &[f32], row: &[f32]) -> f32 {
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

    // Four names where an array could stand: the compiler keeps these in registers.
    #[inline(always)]
    fn dots<S: Simd>(simd: S, vector: &[f32], rows: [&[f32]; ROWS]) -> [f32; ROWS] {
        let (vector, vector_rest) = S::as_simd_f32s(vector);
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|row| S::as_simd_f32s(row));
        let (a, b, c, d) = (&a[..vector.len()], &b[..vector.len()], &c[..vector.len()], &d[..vector.len()]);
        let zero = simd.splat_f32s(0.0);
        let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (zero, zero, zero, zero);
        for (at, &part) in vector.iter().enumerate() {
            sum_a = simd.mul_add_f32s(a[at], part, sum_a);
            sum_b = simd.mul_add_f32s(b[at], part, sum_b);
            sum_c = simd.mul_add_f32s(c[at], part, sum_c);
            sum_d = simd.mul_add_f32s(d[at], part, sum_d);
        }
        let sums = [(sum_a, a_rest), (sum_b, b_rest), (sum_c, c_rest), (sum_d, d_rest)];
        let mut dots = [0.0; ROWS];
        // Loops, not closures: those would not get the instructions of `simd`.
        for (dot, (sum, rest)) in dots.iter_mut().zip(sums) {
            *dot = simd.reduce_sum_f32s(sum);
            for (value, x) in rest.iter().zip(vector_rest) {
                *dot += value * x;
            }
        }
        dots
    }

    // Each row is loaded once for both vectors, and eight sums keep the multipliers busy where four wait for each other.
    #[inline(always)]
    fn dots_of_two<S: Simd>(simd: S, vectors: [&[f32]; 2], rows: [&[f32]; ROWS]) -> [[f32; ROWS]; 2] {
        let [(first, first_rest), (second, second_rest)] = vectors.map(|vector| S::as_simd_f32s(vector));
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|row| S::as_simd_f32s(row));
        let (a, b, c, d) = (&a[..first.len()], &b[..first.len()], &c[..first.len()], &d[..first.len()]);
        let second = &second[..first.len()];
        let zero = simd.splat_f32s(0.0);
        let (mut first_a, mut first_b, mut first_c, mut first_d) = (zero, zero, zero, zero);
        let (mut second_a, mut second_b, mut second_c, mut second_d) = (zero, zero, zero, zero);
        for at in 0..first.len() {
            first_a = simd.mul_add_f32s(a[at], first[at], first_a);
            second_a = simd.mul_add_f32s(a[at], second[at], second_a);
            first_b = simd.mul_add_f32s(b[at], first[at], first_b);
            second_b = simd.mul_add_f32s(b[at], second[at], second_b);
            first_c = simd.mul_add_f32s(c[at], first[at], first_c);
            second_c = simd.mul_add_f32s(c[at], second[at], second_c);
            first_d = simd.mul_add_f32s(d[at], first[at], first_d);
            second_d = simd.mul_add_f32s(d[at], second[at], second_d);
        }
        let mut dots = [[0.0; ROWS]; 2];
        let sums = [
            ([first_a, first_b, first_c, first_d], first_rest),
            ([second_a, second_b, second_c, second_d], second_rest),
        ];
        for (dots, (sums, vector)) in dots.iter_mut().zip(sums) {
            for (dot, (sum, rest)) in
                dots.iter_mut().zip(sums.into_iter().zip([a_rest, b_rest, c_rest, d_rest]))
            {
                *dot = simd.reduce_sum_f32s(sum);
                for (value, other) in rest.iter().zip(vector) {
                    *dot += value * other;
                }
            }
        }
        dots
    }
}

#[inline(always)]
fn reduce<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; UNROLL]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}
