//! Rows of 8-bit integers with a scale.

use std::borrow::Cow;

use pulp::Simd;

use super::{Element, UNROLL, reduce};

/// Four int8 in a word, the first in its lowest byte; the last word of a row is the f32 that they are multiplied by.
/// Arranged, the first ones of all words stand before the second ones, those before the third ones, and so on.
#[derive(Debug, Clone, Copy)]
pub struct Int8;

impl Element for Int8 {
    type Word = u32;
    const PER_WORD: usize = 4;

    #[inline]
    fn arrange(vector: &[f32]) -> Cow<'_, [f32]> {
        Cow::Owned((0..4).flat_map(|from| vector.iter().skip(from).step_by(4).copied()).collect())
    }

    #[inline]
    fn restore(arranged: &[f32]) -> Vec<f32> {
        let quarter = arranged.len() / 4;
        (0..quarter).flat_map(|at| arranged[at..].iter().step_by(quarter).copied()).collect()
    }

    #[inline(always)]
    fn dot<S: Simd>(simd: S, vector: &[f32], row: &[u32]) -> f32 {
        let Some((scale, row)) = row.split_last() else { return 0.0 };
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] =
            quarters(vector, row.len()).map(|quarter| S::as_simd_f32s(quarter));
        let (row, row_rest) = S::as_simd_u32s(row);
        let mut sums = [simd.splat_f32s(0.0); UNROLL];
        for (word, (((a, b), c), d)) in row.iter().zip(a.iter().zip(b).zip(c).zip(d)) {
            for (sum, (part, x)) in sums.iter_mut().zip(bytes(simd, *word).iter().zip([a, b, c, d])) {
                *sum = simd.mul_add_f32s(*part, *x, *sum);
            }
        }
        let mut rest = 0.0;
        for (word, (((a, b), c), d)) in row_rest.iter().zip(a_rest.iter().zip(b_rest).zip(c_rest).zip(d_rest))
        {
            let [first, second, third, fourth] = bytes_of_one(*word);
            rest += first * a + second * b + third * c + fourth * d;
        }
        f32::from_bits(*scale) * (BYTES * reduce(simd, sums) + rest)
    }

    #[inline(always)]
    fn add_weighted<S: Simd>(simd: S, weight: f32, row: &[u32], sum: &mut [f32]) {
        let Some((scale, row)) = row.split_last() else { return };
        let weight = weight * f32::from_bits(*scale);
        let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] =
            quarters_mut(sum, row.len()).map(|quarter| S::as_mut_simd_f32s(quarter));
        let (row, row_rest) = S::as_simd_u32s(row);
        let weights = simd.splat_f32s(BYTES * weight);
        for (word, (((a, b), c), d)) in row.iter().zip(a.iter_mut().zip(b).zip(c).zip(d)) {
            for (part, sum) in bytes(simd, *word).iter().zip([a, b, c, d]) {
                *sum = simd.mul_add_f32s(weights, *part, *sum);
            }
        }
        for (word, (((a, b), c), d)) in
            row_rest.iter().zip(a_rest.iter_mut().zip(b_rest).zip(c_rest).zip(d_rest))
        {
            for (value, sum) in bytes_of_one(*word).iter().zip([a, b, c, d]) {
                *sum += weight * value;
            }
        }
    }

    #[inline(always)]
    fn widen(row: &[u32], elements: &mut [f32]) {
        let Some((scale, row)) = row.split_last() else { return };
        let scale = f32::from_bits(*scale);
        for (word, elements) in row.iter().zip(elements.as_chunks_mut::<4>().0) {
            *elements = bytes_of_one(*word).map(|value| scale * value);
        }
    }
}

/// The four parts of an arranged vector.
#[inline(always)]
fn quarters(vector: &[f32], quarter: usize) -> [&[f32]; 4] {
    let (first, second) = vector.split_at(2 * quarter);
    let ((a, b), (c, d)) = (first.split_at(quarter), second.split_at(quarter));
    [a, b, c, d]
}

#[inline(always)]
fn quarters_mut(vector: &mut [f32], quarter: usize) -> [&mut [f32]; 4] {
    let (first, second) = vector.split_at_mut(2 * quarter);
    let ((a, b), (c, d)) = (first.split_at_mut(quarter), second.split_at_mut(quarter));
    [a, b, c, d]
}

/// What the numbers that [`bytes`] gives are to be multiplied by.
const BYTES: f32 = 256.0;

/// The first, second, third and fourth int8 of each word, over 256.
#[inline(always)]
fn bytes<S: Simd>(simd: S, words: S::u32s) -> [S::f32s; 4] {
    let words = simd.xor_u32s(words, simd.splat_u32s(0x8080_8080));
    [
        byte(simd, simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(15))),
        byte(simd, simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(7))),
        byte(simd, simd.wrapping_dyn_shr_u32s(words, simd.splat_u32s(1))),
        byte(simd, simd.wrapping_dyn_shr_u32s(words, simd.splat_u32s(9))),
    ]
}

/// Bits 15 to 22, which are `b + 128`, as `b / 256`: in the upper bits of the mantissa of 1 they make `1 + (b + 128) / 256`,
/// exactly.
#[inline(always)]
fn byte<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
    let bits = simd.and_u32s(words, simd.splat_u32s(0xFF << 15));
    let bits = simd.or_u32s(bits, simd.splat_u32s(1.0_f32.to_bits()));
    simd.sub_f32s(simd.transmute_f32s_u32s(bits), simd.splat_f32s(1.5))
}

#[inline(always)]
fn bytes_of_one(word: u32) -> [f32; 4] {
    word.to_le_bytes().map(|byte| f32::from(byte as i8))
}
