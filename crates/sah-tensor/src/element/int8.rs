//! Rows of 8-bit integers with a scale.

use pulp::Simd;
use pulp::bytemuck::cast_slice;

use super::{Element, Parts};

/// Four int8 in a word, the first in its first byte; the last word of a row is the f32 that they are multiplied by.
///
/// They are multiplied as f32: nothing is rounded but sums.
#[derive(Debug, Clone, Copy)]
pub struct Int8;

impl Element for Int8 {
    type Word = u32;
    const PER_WORD: usize = 4;

    #[inline(always)]
    fn widen(row: &[u32], elements: &mut [f32]) {
        let Some((scale, row)) = row.split_last() else { return };
        let scale = f32::from_bits(*scale);
        for (element, byte) in elements.iter_mut().zip(cast_slice::<u32, i8>(row)) {
            *element = scale * f32::from(*byte);
        }
    }
}

/// Of f32 from 2^23 to 2^24 the mantissa is an integer.
const TWO_TO_23: u32 = (127 + 23) << 23;
/// By how much an integer is above 0 once its sign is flipped.
const OFFSET: f32 = (1 << 23) as f32 + 128.0;

impl Parts for Int8 {
    #[inline(always)]
    fn words(row: &[u32]) -> (&[u32], f32) {
        match row.split_last() {
            Some((scale, row)) => (row, f32::from_bits(*scale)),
            None => (row, 1.0),
        }
    }

    #[inline(always)]
    fn widen_words<S: Simd>(simd: S, words: S::u32s, part: usize) -> S::f32s {
        // With the sign flipped, a byte is an integer from 0 to 255.
        let words = simd.xor_u32s(words, simd.splat_u32s(0x8080_8080));
        let words = simd.wrapping_dyn_shr_u32s(words, simd.splat_u32s(8 * part as u32));
        let bytes = simd.and_u32s(words, simd.splat_u32s(0xFF));
        let numbers = simd.transmute_f32s_u32s(simd.or_u32s(bytes, simd.splat_u32s(TWO_TO_23)));
        simd.sub_f32s(numbers, simd.splat_f32s(OFFSET))
    }

    #[inline(always)]
    fn widen_word(word: u32, part: usize) -> f32 {
        f32::from((word >> (8 * part)) as u8 as i8)
    }
}

#[cfg(test)]
mod tests {
    use super::{Element as _, Int8};

    #[test]
    fn every_integer_is_widened_exactly() {
        let bytes: Vec<i8> = (i8::MIN..=i8::MAX).collect();
        let words =
            bytes.as_chunks::<4>().0.iter().map(|four| u32::from_ne_bytes(four.map(|byte| byte as u8)));
        let row: Vec<u32> = words.chain([0.25_f32.to_bits()]).collect();
        let mut found = vec![0.0; 256];
        Int8::widen(&row, &mut found);
        let expected: Vec<f32> = bytes.iter().map(|&byte| 0.25 * f32::from(byte)).collect();
        assert_eq!(found, expected);
        Int8::widen(&[], &mut []);
    }
}
