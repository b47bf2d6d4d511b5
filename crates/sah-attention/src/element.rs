//! Vectors in memory as the CPU kernels read them, whatever the type of their elements: sums are in f32.

mod int8;

use std::borrow::Cow;

use pulp::Simd;

pub use int8::Int8;

/// Vectors of a product that are summed side by side: a fused multiply-add takes four steps to be ready.
const UNROLL: usize = 4;

/// Rows that are read side by side: what they are multiplied with or added to is loaded once for all. Where they lie apart,
/// memory is read in as many streams, each of which the processor fetches ahead: 10.8 GB/s on one core where one has 8.1.
pub const ROWS: usize = 4;

/// A type of weights, keys and values, read as words of one or more of them. A row may end with a word that is none of them.
pub trait Element: Sync {
    /// What is read at once.
    type Word: Copy + Sync;
    /// Elements in a word.
    const PER_WORD: usize;

    /// The elements of one vector in the order in which [`Element::dot`] and [`Element::add_weighted`] hold them.
    fn arrange(vector: &[f32]) -> Cow<'_, [f32]>;

    /// The inverse of [`Element::arrange`].
    fn restore(arranged: &[f32]) -> Vec<f32>;

    /// `x . row`, with `x` arranged.
    fn dot<S: Simd>(simd: S, x: &[f32], row: &[Self::Word]) -> f32;

    /// `sum += weight * row`, with the sum arranged.
    fn add_weighted<S: Simd>(simd: S, weight: f32, row: &[Self::Word], sum: &mut [f32]);

    /// [`Element::dot`] of `x` with each of `rows`.
    #[inline(always)]
    fn dots<S: Simd>(simd: S, x: &[f32], rows: [&[Self::Word]; ROWS]) -> [f32; ROWS] {
        // No closure: it would not get the instructions of `simd`.
        let [a, b, c, d] = rows;
        [Self::dot(simd, x, a), Self::dot(simd, x, b), Self::dot(simd, x, c), Self::dot(simd, x, d)]
    }

    /// [`Element::add_weighted`] of each of `rows`.
    #[inline(always)]
    fn add_weighted_rows<S: Simd>(
        simd: S,
        weights: [f32; ROWS],
        rows: [&[Self::Word]; ROWS],
        sum: &mut [f32],
    ) {
        for (weight, row) in weights.into_iter().zip(rows) {
            Self::add_weighted(simd, weight, row, sum);
        }
    }

    /// Writes the elements of `row` to `elements`, in their own order.
    fn widen(row: &[Self::Word], elements: &mut [f32]);
}

/// f32 as it is.
#[derive(Debug, Clone, Copy)]
pub struct F32;

impl Element for F32 {
    type Word = f32;
    const PER_WORD: usize = 1;

    fn arrange(vector: &[f32]) -> Cow<'_, [f32]> {
        Cow::Borrowed(vector)
    }

    fn restore(arranged: &[f32]) -> Vec<f32> {
        arranged.to_vec()
    }

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

    #[inline(always)]
    fn add_weighted<S: Simd>(simd: S, weight: f32, row: &[f32], sum: &mut [f32]) {
        let ((row, row_rest), (sum, sum_rest)) = (S::as_simd_f32s(row), S::as_mut_simd_f32s(sum));
        let weights = simd.splat_f32s(weight);
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum = simd.mul_add_f32s(weights, *value, *sum);
        }
        for (sum, value) in sum_rest.iter_mut().zip(row_rest) {
            *sum += weight * value;
        }
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
        let whole = |sum, rest: &[f32]| {
            simd.reduce_sum_f32s(sum) + rest.iter().zip(vector_rest).map(|(a, b)| a * b).sum::<f32>()
        };
        [whole(sum_a, a_rest), whole(sum_b, b_rest), whole(sum_c, c_rest), whole(sum_d, d_rest)]
    }

    #[inline(always)]
    fn add_weighted_rows<S: Simd>(simd: S, weights: [f32; ROWS], rows: [&[f32]; ROWS], sum: &mut [f32]) {
        let (sum, sum_rest) = S::as_mut_simd_f32s(sum);
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|row| S::as_simd_f32s(row));
        let (a, b, c, d) = (&a[..sum.len()], &b[..sum.len()], &c[..sum.len()], &d[..sum.len()]);
        let (of_a, of_b) = (simd.splat_f32s(weights[0]), simd.splat_f32s(weights[1]));
        let (of_c, of_d) = (simd.splat_f32s(weights[2]), simd.splat_f32s(weights[3]));
        for (at, sum) in sum.iter_mut().enumerate() {
            let first = simd.mul_add_f32s(of_b, b[at], simd.mul_add_f32s(of_a, a[at], *sum));
            let second = simd.mul_add_f32s(of_d, d[at], simd.mul_f32s(of_c, c[at]));
            *sum = simd.add_f32s(first, second);
        }
        for (weight, rest) in weights.iter().zip([a_rest, b_rest, c_rest, d_rest]) {
            for (sum, value) in sum_rest.iter_mut().zip(rest) {
                *sum += weight * value;
            }
        }
    }

    #[inline(always)]
    fn widen(row: &[f32], elements: &mut [f32]) {
        elements.copy_from_slice(row);
    }
}

/// Two bf16 in a word, the first in its lower half; a bf16 is the upper half of an f32. Arranged, the first ones of all
/// words stand before the second ones.
#[derive(Debug, Clone, Copy)]
pub struct Bf16;

const UPPER_HALF: u32 = 0xFFFF_0000;

impl Element for Bf16 {
    type Word = u32;
    const PER_WORD: usize = 2;

    fn arrange(vector: &[f32]) -> Cow<'_, [f32]> {
        let every_second = |from: usize| vector.iter().skip(from).step_by(2).copied();
        Cow::Owned(every_second(0).chain(every_second(1)).collect())
    }

    fn restore(arranged: &[f32]) -> Vec<f32> {
        let (first, second) = arranged.split_at(arranged.len() / 2);
        first.iter().zip(second).flat_map(|(a, b)| [*a, *b]).collect()
    }

    #[inline(always)]
    fn dot<S: Simd>(simd: S, x: &[f32], row: &[u32]) -> f32 {
        let (first, second) = x.split_at(row.len());
        let (row, row_rest) = S::as_simd_u32s(row);
        let ((first, first_rest), (second, second_rest)) = (S::as_simd_f32s(first), S::as_simd_f32s(second));
        let mut sums = [simd.splat_f32s(0.0); UNROLL];
        let mut add = |at: usize, word: S::u32s, first: S::f32s, second: S::f32s| {
            let (lower, upper) = widen(simd, word);
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
            let [even, odd] = widen_one(*word);
            even * first + odd * second
        });
        reduce(simd, sums) + rest.sum::<f32>()
    }

    #[inline(always)]
    fn add_weighted<S: Simd>(simd: S, weight: f32, row: &[u32], sum: &mut [f32]) {
        let (first, second) = sum.split_at_mut(row.len());
        let (first, first_rest) = S::as_mut_simd_f32s(first);
        let (second, second_rest) = S::as_mut_simd_f32s(second);
        let (row, row_rest) = S::as_simd_u32s(row);
        let weights = simd.splat_f32s(weight);
        for (word, (a, b)) in row.iter().zip(first.iter_mut().zip(second)) {
            let (even, odd) = widen(simd, *word);
            *a = simd.mul_add_f32s(weights, even, *a);
            *b = simd.mul_add_f32s(weights, odd, *b);
        }
        for (word, (a, b)) in row_rest.iter().zip(first_rest.iter_mut().zip(second_rest)) {
            let [even, odd] = widen_one(*word);
            *a += weight * even;
            *b += weight * odd;
        }
    }

    #[inline(always)]
    fn dots<S: Simd>(simd: S, vector: &[f32], rows: [&[u32]; ROWS]) -> [f32; ROWS] {
        let (first, second) = vector.split_at(rows[0].len());
        let ((first, first_rest), (second, second_rest)) = (S::as_simd_f32s(first), S::as_simd_f32s(second));
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|row| S::as_simd_u32s(row));
        let (count, second) = (first.len(), &second[..first.len()]);
        let (a, b, c, d) = (&a[..count], &b[..count], &c[..count], &d[..count]);
        let zero = simd.splat_f32s(0.0);
        let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (zero, zero, zero, zero);
        for at in 0..count {
            let part = (first[at], second[at]);
            sum_a = add_product(simd, a[at], part, sum_a);
            sum_b = add_product(simd, b[at], part, sum_b);
            sum_c = add_product(simd, c[at], part, sum_c);
            sum_d = add_product(simd, d[at], part, sum_d);
        }
        let whole = |sum, rest: &[u32]| {
            let rest = rest.iter().zip(first_rest.iter().zip(second_rest));
            let rest = rest.map(|(word, (first, second))| {
                let [even, odd] = widen_one(*word);
                even * first + odd * second
            });
            simd.reduce_sum_f32s(sum) + rest.sum::<f32>()
        };
        [whole(sum_a, a_rest), whole(sum_b, b_rest), whole(sum_c, c_rest), whole(sum_d, d_rest)]
    }

    #[inline(always)]
    fn add_weighted_rows<S: Simd>(simd: S, weights: [f32; ROWS], rows: [&[u32]; ROWS], sum: &mut [f32]) {
        let (first, second) = sum.split_at_mut(rows[0].len());
        let (first, first_rest) = S::as_mut_simd_f32s(first);
        let (second, second_rest) = S::as_mut_simd_f32s(second);
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|row| S::as_simd_u32s(row));
        let count = first.len();
        let (a, b, c, d) = (&a[..count], &b[..count], &c[..count], &d[..count]);
        let (of_a, of_b) = (simd.splat_f32s(weights[0]), simd.splat_f32s(weights[1]));
        let (of_c, of_d) = (simd.splat_f32s(weights[2]), simd.splat_f32s(weights[3]));
        for (at, (first, second)) in first.iter_mut().zip(second).enumerate() {
            let mut sum = (*first, *second);
            sum = add_multiple(simd, of_a, a[at], sum);
            sum = add_multiple(simd, of_b, b[at], sum);
            sum = add_multiple(simd, of_c, c[at], sum);
            sum = add_multiple(simd, of_d, d[at], sum);
            (*first, *second) = sum;
        }
        for (weight, rest) in weights.iter().zip([a_rest, b_rest, c_rest, d_rest]) {
            for (word, (first, second)) in rest.iter().zip(first_rest.iter_mut().zip(&mut *second_rest)) {
                let [even, odd] = widen_one(*word);
                *first += weight * even;
                *second += weight * odd;
            }
        }
    }

    #[inline(always)]
    fn widen(row: &[u32], elements: &mut [f32]) {
        for (word, elements) in row.iter().zip(elements.as_chunks_mut::<2>().0) {
            *elements = widen_one(*word);
        }
    }
}

/// `sum + x * words` of bf16 in words and `x`, first and second ones.
#[inline(always)]
fn add_product<S: Simd>(simd: S, words: S::u32s, x: (S::f32s, S::f32s), sum: S::f32s) -> S::f32s {
    let (even, odd) = widen(simd, words);
    simd.mul_add_f32s(odd, x.1, simd.mul_add_f32s(even, x.0, sum))
}

/// `sum + weight * words` of bf16 in words and `sum`, first and second ones.
#[inline(always)]
fn add_multiple<S: Simd>(
    simd: S,
    weight: S::f32s,
    words: S::u32s,
    sum: (S::f32s, S::f32s),
) -> (S::f32s, S::f32s) {
    let (even, odd) = widen(simd, words);
    (simd.mul_add_f32s(weight, even, sum.0), simd.mul_add_f32s(weight, odd, sum.1))
}

#[inline(always)]
fn reduce<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; UNROLL]) -> f32 {
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)))
}

/// The first and the second value of each word.
#[inline(always)]
fn widen<S: Simd>(simd: S, words: S::u32s) -> (S::f32s, S::f32s) {
    let lower = simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(16));
    let upper = simd.and_u32s(words, simd.splat_u32s(UPPER_HALF));
    (simd.transmute_f32s_u32s(lower), simd.transmute_f32s_u32s(upper))
}

fn widen_one(word: u32) -> [f32; 2] {
    [f32::from_bits(word << 16), f32::from_bits(word & UPPER_HALF)]
}
