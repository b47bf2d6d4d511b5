//! The types with blocks of 32 columns. Their layouts in the file stand in `dequant`.
//!
//! Packed, quants are in the order of the columns. Types with a scale alone are packed two blocks at a time, so that two
//! scales fill a word.

use pulp::Simd;

use super::format::{
    Block, Format, bits, eight_numbers, half_word, halves, numbers, set_field, shifted, wider,
};
use super::look_up::nibble_numbers;

/// Words: two scales; 8 of nibbles.
pub(super) struct Q4_0;
/// Words: scale and offset; 4 of nibbles.
pub(super) struct Q4_1;
/// Words: two scales; 2 of fifth bits; 8 of nibbles.
pub(super) struct Q5_0;
/// Words: scale and offset; one of fifth bits; 4 of nibbles.
pub(super) struct Q5_1;
/// Words: two scales; 16 of bytes, plus 128 each.
pub(super) struct Q8_0;

/// Blocks of the file with their number.
fn blocks(bytes: &[u8], length: usize) -> impl Iterator<Item = (usize, &[u8])> {
    bytes.chunks_exact(length).enumerate()
}

/// Quants of 32 columns, low nibbles of all bytes first, as those of block `block`.
fn pack_nibbles(qs: &[u8], block: usize, words: &mut [u32]) {
    for (i, byte) in qs.iter().enumerate() {
        set_field(words, 4, 32 * block + i, *byte);
        set_field(words, 4, 32 * block + 16 + i, *byte >> 4);
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl Format for Q4_0 {
    const LEN: usize = 64;
    const GROUP: usize = 32;
    const WORDS: usize = 9;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        for (number, block) in blocks(bytes, 18) {
            words[0] |= half_word(block, 0) << (16 * number);
            pack_nibbles(&block[2..], number, &mut words[1..]);
        }
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        halves(simd, block.word(0), group == 1)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        nibble_numbers(simd, block.word(1 + index), 8)
    }
}

impl Format for Q4_1 {
    const LEN: usize = 32;
    const GROUP: usize = 32;
    const WORDS: usize = 5;
    const OFFSET: bool = true;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        words[0] = word_at(bytes, 0);
        pack_nibbles(&bytes[4..], 0, &mut words[1..]);
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, _group: usize) -> S::f32s {
        halves(simd, block.word(0), false)
    }

    #[inline(always)]
    fn offset<S: Simd>(simd: S, block: Block<'_, S>, _group: usize) -> S::f32s {
        halves(simd, block.word(0), true)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        nibble_numbers(simd, block.word(1 + index), 0)
    }
}

impl Format for Q5_0 {
    const LEN: usize = 64;
    const GROUP: usize = 32;
    const WORDS: usize = 11;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        for (number, block) in blocks(bytes, 22) {
            words[0] |= half_word(block, 0) << (16 * number);
            words[1 + number] = word_at(block, 2);
            pack_nibbles(&block[6..], number, &mut words[3..]);
        }
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        halves(simd, block.word(0), group == 1)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        let high = shifted(simd, block.word(1 + index / 4), 8 * (index % 4));
        eight_numbers(simd, wider(simd, block.word(3 + index), high, 1), 16)
    }
}

impl Format for Q5_1 {
    const LEN: usize = 32;
    const GROUP: usize = 32;
    const WORDS: usize = 6;
    const OFFSET: bool = true;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        words[0] = word_at(bytes, 0);
        words[1] = word_at(bytes, 4);
        pack_nibbles(&bytes[8..], 0, &mut words[2..]);
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, _group: usize) -> S::f32s {
        halves(simd, block.word(0), false)
    }

    #[inline(always)]
    fn offset<S: Simd>(simd: S, block: Block<'_, S>, _group: usize) -> S::f32s {
        halves(simd, block.word(0), true)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        let high = shifted(simd, block.word(1), 8 * index);
        eight_numbers(simd, wider(simd, block.word(2 + index), high, 1), 0)
    }
}

impl Format for Q8_0 {
    const LEN: usize = 64;
    const GROUP: usize = 32;
    const WORDS: usize = 17;

    fn pack(bytes: &[u8], words: &mut [u32]) {
        for (number, block) in blocks(bytes, 34) {
            words[0] |= half_word(block, 0) << (16 * number);
            for (i, byte) in block[2..].iter().enumerate() {
                set_field(&mut words[1..], 8, 32 * number + i, byte ^ 0x80);
            }
        }
    }

    #[inline(always)]
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s {
        halves(simd, block.word(0), group == 1)
    }

    #[inline(always)]
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8] {
        let mut quants = [simd.splat_f32s(0.0); 8];
        for (i, quant) in quants.iter_mut().enumerate() {
            let word = block.word(1 + 2 * index + i / 4);
            *quant = numbers(simd, bits(simd, word, 8 * (i % 4), 0xFF), 128);
        }
        quants
    }
}
