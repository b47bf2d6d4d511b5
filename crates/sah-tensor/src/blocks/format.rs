//! What a type of quantised blocks has to tell so that it can be multiplied, expanded and looked up.

use pulp::Simd;

/// A packed type. Of each block of [`Format::LEN`] columns a row has [`Format::WORDS`] words; those of the 16 rows of a
/// panel lie side by side, so that a vector holds the same columns of several rows, whatever its width. No sum has to be
/// taken across a vector then, and scales are loaded like quants.
///
/// A value is `scale * quant + offset`, with one scale and offset for [`Format::GROUP`] columns, computed with the same
/// roundings as in `dequant`.
pub(super) trait Format {
    /// Columns of a block: one or two blocks of the file.
    const LEN: usize;
    /// Columns that share a scale, a multiple of 8 that divides `LEN`.
    const GROUP: usize;
    /// Words of a block of one row.
    const WORDS: usize;
    /// Whether there are offsets other than 0.
    const OFFSET: bool = false;

    /// Packs a row's blocks out of the file, at most `LEN` columns of them, into `WORDS` words that are 0.
    fn pack(bytes: &[u8], words: &mut [u32]);

    /// The scales of group `group`, one for each row.
    fn scale<S: Simd>(simd: S, block: Block<'_, S>, group: usize) -> S::f32s;

    /// The offsets of group `group`.
    #[inline(always)]
    fn offset<S: Simd>(simd: S, _block: Block<'_, S>, _group: usize) -> S::f32s {
        simd.splat_f32s(0.0)
    }

    /// The quants of columns `8 index` to `8 index + 7`, exactly.
    fn eight<S: Simd>(simd: S, block: Block<'_, S>, index: usize) -> [S::f32s; 8];
}

/// A block of as many rows as a vector has lanes.
#[derive(Clone, Copy)]
pub(super) struct Block<'a, S: Simd> {
    /// From the first word on; the next one is `stride` further.
    pub(super) words: &'a [S::u32s],
    pub(super) stride: usize,
}

impl<S: Simd> Block<'_, S> {
    /// Word `index` of each row.
    #[inline(always)]
    pub(super) fn word(self, index: usize) -> S::u32s {
        self.words[index * self.stride]
    }
}

/// `words >> bits`.
#[inline(always)]
pub(super) fn shifted<S: Simd>(simd: S, words: S::u32s, bits: usize) -> S::u32s {
    simd.wrapping_dyn_shr_u32s(words, simd.splat_u32s(bits as u32))
}

/// The bits from `from` on that `mask` leaves.
#[inline(always)]
pub(super) fn bits<S: Simd>(simd: S, words: S::u32s, from: usize, mask: u32) -> S::u32s {
    simd.and_u32s(shifted(simd, words, from), simd.splat_u32s(mask))
}

/// The integers minus `bias` as numbers, exactly; below 2^23. An integer in the lowest bits of the float 2^23 adds to it.
#[inline(always)]
pub(super) fn numbers<S: Simd>(simd: S, integers: S::u32s, bias: u32) -> S::f32s {
    const TWO_TO_23: u32 = 0x4B00_0000;
    let sum = simd.transmute_f32s_u32s(simd.or_u32s(integers, simd.splat_u32s(TWO_TO_23)));
    simd.sub_f32s(sum, simd.splat_f32s((bias + (1 << 23)) as f32))
}

/// The f16 in the lower half of each word, or in the upper one. They must be finite.
#[inline(always)]
pub(super) fn halves<S: Simd>(simd: S, words: S::u32s, is_upper: bool) -> S::f32s {
    let words = shifted(simd, words, if is_upper { 16 } else { 0 });
    // Exponent and mantissa at their place in an f32; the bias of the exponent is 112 less.
    let size = simd.and_u32s(words, simd.splat_u32s(0x7FFF));
    let size = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(size, simd.splat_u32s(13)));
    let size = simd.mul_f32s(size, simd.splat_f32s(f32::from_bits((127 + 112) << 23)));
    let sign = simd.and_u32s(words, simd.splat_u32s(0x8000));
    let sign = simd.wrapping_dyn_shl_u32s(sign, simd.splat_u32s(16));
    simd.transmute_f32s_u32s(simd.or_u32s(simd.transmute_u32s_f32s(size), sign))
}

/// Eight integers, `step` bits apart, of the bits that `mask` leaves.
#[inline(always)]
pub(super) fn fields<S: Simd>(simd: S, words: S::u32s, step: usize, mask: u32) -> [S::u32s; 8] {
    // Loops, not `from_fn` or `map`: those are functions of their own, compiled without the caller's instructions.
    let mut fields = [simd.splat_u32s(0); 8];
    for (i, field) in fields.iter_mut().enumerate() {
        *field = bits(simd, words, step * i, mask);
    }
    fields
}

/// The eight nibbles of each word.
#[inline(always)]
pub(super) fn nibbles<S: Simd>(simd: S, words: S::u32s) -> [S::u32s; 8] {
    fields(simd, words, 4, 0xF)
}

/// Nibbles with the `width` bits above each of them that are the lowest ones of `high`.
#[inline(always)]
pub(super) fn wider<S: Simd>(simd: S, low: S::u32s, high: S::u32s, width: usize) -> [S::u32s; 8] {
    let (mut all, high) = (nibbles(simd, low), fields(simd, high, width, (1 << width) - 1));
    for (low, high) in all.iter_mut().zip(high) {
        *low = simd.or_u32s(*low, simd.wrapping_dyn_shl_u32s(high, simd.splat_u32s(4)));
    }
    all
}

/// [`numbers`] of eight.
#[inline(always)]
pub(super) fn eight_numbers<S: Simd>(simd: S, integers: [S::u32s; 8], bias: u32) -> [S::f32s; 8] {
    let mut all = [simd.splat_f32s(0.0); 8];
    for (number, integers) in all.iter_mut().zip(integers) {
        *number = numbers(simd, integers, bias);
    }
    all
}

/// Puts the lower `width` bits of `value` at position `index` of an array of such fields.
pub(super) fn set_field(words: &mut [u32], width: usize, index: usize, value: u8) {
    let per_word = 32 / width;
    let mask = (1_u32 << width) - 1;
    words[index / per_word] |= (u32::from(value) & mask) << (width * (index % per_word));
}

/// The two bytes at `at` in the lower half of a word.
pub(super) fn half_word(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}
