//! Forms of safetensors: 4 bits in groups with a scale and a zero point, and E4M3 with a scale.
//!
//! Packed, quants are in the order of the columns, behind their scale.

use pulp::Simd;

use super::format::{Block, Format, bits, numbers, set_field, shifted};
use super::look_up::nibble_numbers;

/// Integers of 4 bits in groups of `GROUP` columns: AWQ, GPTQ, compressed-tensors.
///
/// Words: the scale, in the lowest bits of which the zero point stands; `GROUP / 8` of nibbles.
pub(super) struct Int4<const GROUP: usize>;

/// E4M3: FP8 of DeepSeek, Qwen and compressed-tensors. Words: the scale; 16 of bytes.
pub(super) struct E4M3;

/// The bits of a scale in which a zero point stands. Those of an f16 or bf16 as an f32 are 0.
const ZERO_POINT: u32 = 0x1F;

/// A row's part of a group: its codes, and what they share.
pub(super) struct Group<'a> {
    pub(super) codes: &'a [u8],
    pub(super) scale: f32,
    /// 0 to 16 of integers; 0 of E4M3.
    pub(super) zero_point: u8,
}

/// Whether a scale and a zero point can be packed together.
pub(super) fn fits(scale: f32, zero_point: u8) -> bool {
    scale.is_finite() && scale.to_bits() & ZERO_POINT == 0 && u32::from(zero_point) <= ZERO_POINT
}

/// A form whose groups are packed as they come.
pub(super) trait PackGroups: Format {
    fn pack_group(group: &Group<'_>, words: &mut [u32]);
}

impl<const GROUP: usize> PackGroups for Int4<GROUP> {
    fn pack_group(group: &Group<'_>, words: &mut [u32]) {
        words[0] = group.scale.to_bits() | u32::from(group.zero_point);
        for (column, code) in group.codes.iter().enumerate() {
            set_field(&mut words[1..], 4, column, *code);
        }
    }
}

impl PackGroups for E4M3 {
    fn pack_group(group: &Group<'_>, words: &mut [u32]) {
        words[0] = group.scale.to_bits();
        for (column, code) in group.codes.iter().enumerate() {
            set_field(&mut words[1..], 8, column, *code);
        }
    }
}

impl<const GROUP: usize> Format for Int4<GROUP> {
    const LEN: usize = GROUP;
    const GROUP: usize = GROUP;
    const WORDS: usize = 1 + GROUP / 8;
    const OFFSET: bool = true;

    fn pack(_: &[u8], _: &mut [u32]) {
        unreachable!("groups are packed as they come")
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, _group: usize) -> S::f32s {
        simd.transmute_f32s_u32s(simd.and_u32s(block.word(0), simd.splat_u32s(!ZERO_POINT)))
    }

    /// Products of an f16 or bf16 with integers below 32, and their differences, are exact.
    #[inline(always)]
    fn offset<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        let zero_point = numbers(simd, bits(simd, block.word(0), 0, ZERO_POINT), 0);
        simd.neg_f32s(simd.mul_f32s(Self::scale(simd, block, group), zero_point))
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        nibble_numbers(simd, block.word(1 + index), 0)
    }
}

impl Format for E4M3 {
    const LEN: usize = 64;
    const GROUP: usize = 64;
    const WORDS: usize = 1 + 16;

    fn pack(_: &[u8], _: &mut [u32]) {
        unreachable!("groups are packed as they come")
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, _group: usize) -> S::f32s {
        simd.transmute_f32s_u32s(block.word(0))
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        // Exponent and mantissa at their place in an f32; the bias of the exponent is 120 less.
        let unbias = simd.splat_f32s(f32::from_bits((127 + 120) << 23));
        let mut numbers = [simd.splat_f32s(0.0); 8];
        for (at, number) in numbers.iter_mut().enumerate() {
            // The byte's bits are the highest ones.
            let word = block.word(1 + 2 * index + at / 4);
            let high = simd.wrapping_dyn_shl_u32s(word, simd.splat_u32s(24 - 8 * (at as u32 % 4)));
            let size = simd.and_u32s(shifted(simd, high, 4), simd.splat_u32s(0x7F << 20));
            let sign = simd.and_u32s(high, simd.splat_u32s(1 << 31));
            let signed = simd.transmute_f32s_u32s(simd.or_u32s(size, sign));
            *number = simd.mul_f32s(signed, unbias);
        }
        numbers
    }
}
