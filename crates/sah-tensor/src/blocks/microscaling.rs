//! MXFP4 (OCP Microscaling Formats 1.0): 32 numbers of the form E2M1 with a power of 2.
//!
//! Packed, numbers are in the order of the columns. Four blocks are packed together, so that their powers fill a word.

use pulp::Simd;

use super::format::{Block, Format, bits, set_field};
use super::look_up::e2m1_numbers;

/// Columns that share a power.
pub(super) const SHARED: usize = 32;

/// Words: exponents of four powers, plus 127 each; 16 of E2M1.
pub(super) struct Mxfp4;

/// The largest exponent, plus 127, with which every number of E2M1 is finite.
const LARGEST: u8 = 127 + 125;

/// Whether all values with this exponent, plus 127, are finite.
pub(super) fn is_finite(exponent: u8) -> bool {
    exponent <= LARGEST
}

impl Mxfp4 {
    /// Packs a row's part of a block: `codes` with two columns a byte, the first in the lower bits, and the exponents of each 32.
    pub(super) fn pack_row(codes: &[u8], exponents: &[u8], words: &mut [u32]) {
        for (number, exponent) in exponents.iter().enumerate() {
            set_field(words, 8, number, *exponent);
        }
        for (word, codes) in words[1..].iter_mut().zip(codes.as_chunks().0) {
            *word = u32::from_le_bytes(*codes);
        }
    }
}

impl Format for Mxfp4 {
    const LEN: usize = 4 * SHARED;
    const GROUP: usize = SHARED;
    const WORDS: usize = 1 + 16;

    /// As GGUF files have it: the exponent, then 16 bytes whose lower bits are the first 16 columns.
    fn pack(bytes: &[u8], words: &mut [u32]) {
        for (number, block) in bytes.chunks_exact(1 + SHARED / 2).enumerate() {
            set_field(words, 8, number, block[0]);
            for (at, byte) in block[1..].iter().enumerate() {
                set_field(&mut words[1..], 4, SHARED * number + at, *byte);
                set_field(&mut words[1..], 4, SHARED * number + SHARED / 2 + at, *byte >> 4);
            }
        }
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        let exponent = bits(simd, block.word(0), 8 * group, 0xFF);
        let power = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23)));
        // The smallest one, 2^-127, is subnormal.
        simd.max_f32s(power, simd.splat_f32s(f32::from_bits(1 << 22)))
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        e2m1_numbers(simd, block.word(1 + index))
    }
}
