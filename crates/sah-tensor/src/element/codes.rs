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
/// `j D / n + i`. `scales` and `minima` are `[G]` each, for `D / G` elements side by side.
#[inline(always)]
pub fn scale_codes<const BITS: u32>(bytes: &[u8], scales: &[f32], minima: &[f32], elements: &mut [f32]) {
    let per_scale = elements.len() / scales.len();
    for (number, elements) in elements.chunks_exact_mut(bytes.len()).enumerate() {
        let (shift, first) = (BITS * number as u32, number * bytes.len());
        if per_scale == 1 {
            let parameters = scales[first..].iter().zip(&minima[first..]);
            for ((element, byte), (scale, minimum)) in elements.iter_mut().zip(bytes).zip(parameters) {
                *element = scale * code::<BITS>(*byte, shift) + minimum;
            }
            continue;
        }
        let mut start = 0;
        while start < bytes.len() {
            let at = (first + start) / per_scale;
            let end = bytes.len().min((at + 1) * per_scale - first);
            let (scale, minimum) = (scales[at], minima[at]);
            for (element, byte) in elements[start..end].iter_mut().zip(&bytes[start..end]) {
                *element = scale * code::<BITS>(*byte, shift) + minimum;
            }
            start = end;
        }
    }
}

/// The code from bit `shift` on.
#[inline(always)]
fn code<const BITS: u32>(byte: u8, shift: u32) -> f32 {
    // By i32: vectors have no instruction for unsigned integers before AVX-512.
    ((i32::from(byte) >> shift) & ((1 << BITS) - 1)) as f32
}

#[cfg(test)]
mod tests {
    use super::scale_codes;

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
        let mut found = vec![0.0; dim];
        scale_codes::<BITS>(&bytes, &scales, &minima, &mut found);
        let of = |at: usize| {
            let group = at * groups / dim;
            scales[group] * f32::from(codes[at]) + minima[group]
        };
        assert_eq!(found, (0..dim).map(of).collect::<Vec<_>>(), "{BITS} bits, {dim} in {groups} groups");
    }

    #[test]
    fn each_code_is_scaled_by_its_group() {
        for (dim, groups) in [(64, 64), (64, 2), (64, 1), (96, 3), (20, 20), (20, 1), (128, 4), (8, 8)] {
            check::<4>(dim, groups);
            check::<2>(dim, groups);
        }
    }
}
