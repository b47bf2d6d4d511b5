//! Codes of a few bits, several in a byte.

use super::Element;

/// Bytes that hold codes; as numbers, integers from 0 to 255.
#[derive(Debug, Clone, Copy)]
pub struct Codes;

impl Element for Codes {
    type Word = u8;
    const PER_WORD: usize = 1;

    #[inline(always)]
    fn widen(row: &[u8], elements: &mut [f32]) {
        for (element, byte) in elements.iter_mut().zip(row) {
            *element = f32::from(*byte);
        }
    }
}

/// Writes `scale * code + minimum` of each code to `elements`, `[D]`.
///
/// A byte of `bytes`, `[D / n]`, holds `n = 8 / BITS` codes, the first in its lowest bits: code `j` of byte `i` is element
/// `j D / n + i`. `scales` and `minima` are `[D]`.
#[inline(always)]
pub fn scale_codes<const BITS: u32>(bytes: &[u8], scales: &[f32], minima: &[f32], elements: &mut [f32]) {
    let width = bytes.len();
    for number in 0..(8 / BITS) as usize {
        let (shift, places) = (BITS * number as u32, number * width..(number + 1) * width);
        let (scales, minima, elements) =
            (&scales[places.clone()], &minima[places.clone()], &mut elements[places]);
        let ((bytes, rest), (elements, elements_rest)) = (bytes.as_chunks(), elements.as_chunks_mut());
        let ((scales, scales_rest), (minima, minima_rest)) = (scales.as_chunks(), minima.as_chunks());
        let parameters = scales.iter().zip(minima);
        for ((elements, bytes), (scales, minima)) in elements.iter_mut().zip(bytes).zip(parameters) {
            *elements = scaled::<BITS>(*bytes, shift, scales, minima);
        }
        let parameters = scales_rest.iter().zip(minima_rest);
        for ((element, byte), (scale, minimum)) in elements_rest.iter_mut().zip(rest).zip(parameters) {
            *element = scale * code::<BITS>(*byte, shift) + minimum;
        }
    }
}

/// [`scale_codes`] with one scale and minimum, a pair of `pairs`, `[D / G]`, for `G` elements side by side.
#[inline(always)]
pub fn scale_groups<const BITS: u32>(bytes: &[u8], pairs: &[[f32; 2]], group: usize, elements: &mut [f32]) {
    let width = bytes.len();
    for number in 0..(8 / BITS) as usize {
        let (shift, first) = (BITS * number as u32, number * width);
        let elements = &mut elements[first..first + width];
        if group == 2 * STEP && width.is_multiple_of(STEP) {
            let (bytes, elements) = (bytes.as_chunks().0, elements.as_chunks_mut().0);
            for (at, (elements, bytes)) in elements.iter_mut().zip(bytes).enumerate() {
                let [scale, minimum] = pairs[(first + at * STEP) / (2 * STEP)];
                *elements = scaled::<BITS>(*bytes, shift, &[scale; STEP], &[minimum; STEP]);
            }
            continue;
        }
        for (at, (element, byte)) in elements.iter_mut().zip(bytes).enumerate() {
            let [scale, minimum] = pairs[(first + at) / group];
            *element = scale * code::<BITS>(*byte, shift) + minimum;
        }
    }
}

/// Elements that are computed at once.
const STEP: usize = 16;

/// In steps of their own, with which the compiler makes vectors.
#[inline(always)]
fn scaled<const BITS: u32>(
    bytes: [u8; STEP],
    shift: u32,
    scales: &[f32; STEP],
    minima: &[f32; STEP],
) -> [f32; STEP] {
    let mut codes = [0_i32; STEP];
    for at in 0..STEP {
        // By i32: vectors have no instruction for unsigned integers before AVX-512.
        codes[at] = i32::from(bytes[at]);
    }
    let mut elements = [0.0; STEP];
    for at in 0..STEP {
        elements[at] = ((codes[at] >> shift) & ((1 << BITS) - 1)) as f32;
    }
    for at in 0..STEP {
        elements[at] = scales[at] * elements[at] + minima[at];
    }
    elements
}

/// The code from bit `shift` on.
#[inline(always)]
fn code<const BITS: u32>(byte: u8, shift: u32) -> f32 {
    // By i32: vectors have no instruction for unsigned integers before AVX-512.
    ((i32::from(byte) >> shift) & ((1 << BITS) - 1)) as f32
}

#[cfg(test)]
mod tests {
    use super::{scale_codes, scale_groups};

    /// Packs `codes`, and expands them by the formula, one by one.
    fn check<const BITS: u32>(dim: usize, groups: usize) {
        let per_byte = 8 / BITS as usize;
        let codes: Vec<u8> = (0..dim).map(|at| (at * 7 + at / 5) as u8 % (1 << BITS)).collect();
        let width = dim / per_byte;
        let byte =
            |at: usize| (0..per_byte).map(|j| codes[j * width + at] << (BITS as usize * j)).sum::<u8>();
        let bytes: Vec<u8> = (0..width).map(byte).collect();
        let scales: Vec<f32> = (0..groups).map(|group| 0.5 + group as f32).collect();
        let minima: Vec<f32> = (0..groups).map(|group| -3.0 * group as f32).collect();
        let pairs: Vec<[f32; 2]> =
            scales.iter().zip(&minima).map(|(scale, minimum)| [*scale, *minimum]).collect();
        let mut found = vec![0.0; dim];
        scale_groups::<BITS>(&bytes, &pairs, dim / groups, &mut found);
        let of = |at: usize| {
            let group = at * groups / dim;
            scales[group] * f32::from(codes[at]) + minima[group]
        };
        let expected: Vec<f32> = (0..dim).map(of).collect();
        assert_eq!(found, expected, "{BITS} bits, {dim} in {groups} groups");
        if groups == dim {
            scale_codes::<BITS>(&bytes, &scales, &minima, &mut found);
            assert_eq!(found, expected, "{BITS} bits, {dim} channels");
        }
    }

    #[test]
    fn each_code_is_scaled_by_its_group() {
        for (dim, groups) in [(64, 64), (64, 2), (64, 1), (96, 3), (20, 20), (20, 1), (128, 4), (8, 8)] {
            check::<4>(dim, groups);
            check::<2>(dim, groups);
        }
    }
}
