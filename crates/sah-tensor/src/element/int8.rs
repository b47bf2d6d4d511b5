//! Rows of 8-bit integers with a scale.

use pulp::bytemuck::cast_slice;

use super::Element;

/// Four int8 in a word, the first in its first byte; the last word of a row is the f32 that they are multiplied by.
///
/// They are multiplied as f32: widening a row takes four vector instructions for each vector of numbers, and whoever multiplies
/// it with several vectors widens it once.
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
