//! The types with blocks of 256 columns. Their layouts in the file stand in `dequant/k_quants.rs`.
//!
//! Packed, quants are in the order of the columns, and each scale and minimum has a byte.

use pulp::Simd;

use super::dequant::six_bit_pair;
use super::format::{
    Block, Format, bits, eight_numbers, half_word, halves, numbers, set_field, shifted, wider,
};
use super::look_up::nibble_numbers;

/// Words: d and dmin; 2 of scales; 2 of minima; 32 of nibbles.
pub(super) struct Q4K;
/// Words: d and dmin; 2 of scales; 2 of minima; 8 of fifth bits; 32 of nibbles.
pub(super) struct Q5K;
/// Words: d; 4 of scales, plus 128 each; 16 of the bits above the nibble, two a column; 32 of nibbles.
pub(super) struct Q6K;

/// d, dmin, scales and minima of [`Q4K`] and [`Q5K`], of which `head` is the first 16 bytes.
fn pack_head(head: &[u8], words: &mut [u32]) {
    words[0] = half_word(head, 0) | half_word(head, 2) << 16;
    for group in 0..8 {
        let (scale, minimum) = six_bit_pair(&head[4..], group);
        set_field(&mut words[1..], 8, group, scale);
        set_field(&mut words[3..], 8, group, minimum);
    }
}

/// The nibbles of [`Q4K`] and [`Q5K`]: each 64 columns take 32 bytes, low nibbles first.
fn pack_nibbles(qs: &[u8], words: &mut [u32]) {
    for (i, byte) in qs.iter().enumerate() {
        let column = 64 * (i / 32) + i % 32;
        set_field(words, 4, column, *byte);
        set_field(words, 4, column + 32, *byte >> 4);
    }
}

/// Byte `index` of those from word `first` on.
#[inline(always)]
fn byte<S: Simd>(simd: S, block: Block<'_, S>, first: usize, index: usize, bias: u32) -> S::f32s {
    numbers(simd, bits(simd, block.word(first + index / 4), 8 * (index % 4), 0xFF), bias)
}

#[inline(always)]
fn scale_of<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
    simd.mul_f32s(halves(simd, block.word(0), false), byte(simd, block, 1, group, 0))
}

#[inline(always)]
fn offset_of<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
    simd.neg_f32s(simd.mul_f32s(halves(simd, block.word(0), true), byte(simd, block, 3, group, 0)))
}

impl Format for Q4K {
    const LEN: usize = 256;
    const GROUP: usize = 32;
    const WORDS: usize = 5 + 32;
    const OFFSET: bool = true;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        pack_head(&bytes[..16], words);
        pack_nibbles(&bytes[16..], &mut words[5..]);
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        scale_of(simd, block, group)
    }

    #[inline(always)]
    fn offset<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        offset_of(simd, block, group)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        nibble_numbers(simd, block.word(5 + index), 0)
    }
}

impl Format for Q5K {
    const LEN: usize = 256;
    const GROUP: usize = 32;
    const WORDS: usize = 5 + 8 + 32;
    const OFFSET: bool = true;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        pack_head(&bytes[..16], words);
        for column in 0..256 {
            set_field(&mut words[5..], 1, column, bytes[16 + column % 32] >> (column / 32));
        }
        pack_nibbles(&bytes[48..], &mut words[13..]);
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        scale_of(simd, block, group)
    }

    #[inline(always)]
    fn offset<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        offset_of(simd, block, group)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        let high = shifted(simd, block.word(5 + index / 4), 8 * (index % 4));
        eight_numbers(simd, wider(simd, block.word(13 + index), high, 1), 0)
    }
}

impl Format for Q6K {
    const LEN: usize = 256;
    const GROUP: usize = 16;
    const WORDS: usize = 1 + 4 + 16 + 32;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        words[0] = half_word(bytes, 208);
        for (group, scale) in bytes[192..208].iter().enumerate() {
            set_field(&mut words[1..], 8, group, scale ^ 0x80);
        }
        for column in 0..256 {
            let (half, within) = (column / 128, column % 128);
            let low = bytes[64 * half + within % 64] >> (4 * (within / 64));
            let high = bytes[128 + 32 * half + within % 32] >> (2 * (within / 32));
            set_field(&mut words[5..], 2, column, high);
            set_field(&mut words[21..], 4, column, low);
        }
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        simd.mul_f32s(halves(simd, block.word(0), false), byte(simd, block, 1, group, 128))
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        let high = shifted(simd, block.word(5 + index / 2), 16 * (index % 2));
        eight_numbers(simd, wider(simd, block.word(21 + index), high, 2), 32)
    }
}
