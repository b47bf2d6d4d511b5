//! Numbers of 16 bits, two in a word.

use pulp::Simd;

use super::{Element, Parts, Weight};

/// Two numbers in a word, the first in its lower half.
pub trait Halves: Sync {
    /// The number in the upper half of each word.
    fn upper_halves<S: Simd>(simd: S, words: S::u32s) -> S::f32s;

    /// That of one word.
    fn upper(word: u32) -> f32;

    /// The number in the lower half of each word.
    #[inline(always)]
    fn lower_halves<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
        Self::upper_halves(simd, simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(16)))
    }

    /// That of one word.
    #[inline(always)]
    fn lower(word: u32) -> f32 {
        Self::upper(word << 16)
    }
}

/// bf16: the upper half of an f32.
#[derive(Debug, Clone, Copy)]
pub struct Bf16;

/// f16, IEEE 754's binary16.
#[derive(Debug, Clone, Copy)]
pub struct F16;

impl F16 {
    /// The numbers of one word, the one in its lower half first.
    #[inline(always)]
    #[must_use]
    pub fn pair(word: u32) -> [f32; 2] {
        [Self::lower(word), Self::upper(word)]
    }
}

const UPPER_HALF: u32 = 0xFFFF_0000;

impl Halves for Bf16 {
    #[inline(always)]
    fn upper_halves<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
        simd.transmute_f32s_u32s(simd.and_u32s(words, simd.splat_u32s(UPPER_HALF)))
    }

    #[inline(always)]
    fn upper(word: u32) -> f32 {
        f32::from_bits(word & UPPER_HALF)
    }

    #[inline(always)]
    fn lower_halves<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
        simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(words, simd.splat_u32s(16)))
    }
}

impl Halves for F16 {
    #[inline(always)]
    fn upper_halves<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
        upper_f16(simd, words)
    }

    #[inline(always)]
    fn upper(word: u32) -> f32 {
        upper_f16_of_one(word)
    }
}

/// The bias of an f32's exponent is 112 more than that of an f16's.
const TWO_TO_112: f32 = f32::from_bits((127 + 112) << 23);
const LARGEST_F16: f32 = 65_504.0;

/// The f16 in the upper half of a word, exactly; without a branch or a call, so that a loop of it becomes vector instructions.
#[inline(always)]
fn upper_f16_of_one(word: u32) -> f32 {
    let size = f32::from_bits((word & 0x7FFF_0000) >> 3) * TWO_TO_112;
    let infinite = if size > LARGEST_F16 { f32::INFINITY.to_bits() } else { 0 };
    f32::from_bits(size.to_bits() | word & (1 << 31) | infinite)
}

/// The f16 in the upper half of each word, exactly.
#[inline(always)]
fn upper_f16<S: Simd>(simd: S, words: S::u32s) -> S::f32s {
    // Exponent and mantissa at their place in an f32.
    let size = simd.and_u32s(words, simd.splat_u32s(0x7FFF_0000));
    let size = simd.transmute_f32s_u32s(simd.wrapping_dyn_shr_u32s(size, simd.splat_u32s(3)));
    let size = simd.mul_f32s(size, simd.splat_f32s(TWO_TO_112));
    let sign = simd.and_u32s(words, simd.splat_u32s(1 << 31));
    let finite = simd.or_u32s(simd.transmute_u32s_f32s(size), sign);
    // The largest exponent is that of infinities and of what is no number.
    let infinite = simd.or_u32s(finite, simd.splat_u32s(f32::INFINITY.to_bits()));
    let is_infinite = simd.less_than_f32s(simd.splat_f32s(LARGEST_F16), size);
    simd.transmute_f32s_u32s(simd.select_u32s(is_infinite, infinite, finite))
}

impl<H: Halves> Element for H {
    type Word = u32;
    const PER_WORD: usize = 2;

    #[inline(always)]
    fn widen(row: &[u32], elements: &mut [f32]) {
        for (word, elements) in row.iter().zip(elements.as_chunks_mut::<2>().0) {
            *elements = [H::lower(*word), H::upper(*word)];
        }
    }
}

impl<H: Halves> Parts for H {
    #[inline(always)]
    fn words(row: &[u32]) -> (&[u32], f32) {
        (row, 1.0)
    }

    #[inline(always)]
    fn widen_words<S: Simd>(simd: S, words: S::u32s, part: usize) -> S::f32s {
        if part == 0 { H::lower_halves(simd, words) } else { H::upper_halves(simd, words) }
    }

    #[inline(always)]
    fn widen_word(word: u32, part: usize) -> f32 {
        if part == 0 { H::lower(word) } else { H::upper(word) }
    }
}

impl Weight for Bf16 {
    fn bf16(words: &[u32]) -> Option<&[u32]> {
        Some(words)
    }
}

impl Weight for F16 {}

#[cfg(test)]
mod tests {
    use crate::cpu::arch;
    use half::{bf16, f16};
    use pulp::{Simd, WithSimd};

    use super::{Bf16, F16, Halves};

    /// All numbers of 16 bits, two in a word.
    struct All<H>(std::marker::PhantomData<H>);

    impl<H: Halves> WithSimd for All<H> {
        type Output = Vec<[f32; 2]>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let words: Vec<u32> =
                (0..=u16::MAX).map(|bits| u32::from(bits) | u32::from(!bits) << 16).collect();
            let mut widened = Vec::with_capacity(words.len());
            for words in S::as_simd_u32s(&words).0 {
                let (first, second) = ([H::lower_halves(simd, *words)], [H::upper_halves(simd, *words)]);
                let floats: (&[f32], &[f32]) =
                    (pulp::bytemuck::cast_slice(&first), pulp::bytemuck::cast_slice(&second));
                widened.extend(floats.0.iter().zip(floats.1).map(|(a, b)| [*a, *b]));
            }
            widened
        }
    }

    fn check<H: Halves>(exact: impl Fn(u16) -> f32) {
        let widened = arch().dispatch(All::<H>(std::marker::PhantomData));
        assert_eq!(widened.len(), 1 << 16);
        for (bits, pair) in (0..=u16::MAX).zip(widened) {
            let word = u32::from(bits) | u32::from(!bits) << 16;
            let one = [H::lower(word), H::upper(word)];
            for (found, bits) in pair.into_iter().chain(one).zip([bits, !bits, bits, !bits]) {
                let exact = exact(bits);
                let same = found.to_bits() == exact.to_bits() || (found.is_nan() && exact.is_nan());
                assert!(same, "{bits:#06x}: {found}, not {exact}");
            }
        }
    }

    #[test]
    fn every_bf16_is_widened_exactly() {
        check::<Bf16>(|bits| bf16::from_bits(bits).to_f32());
    }

    #[test]
    fn every_f16_is_widened_exactly() {
        check::<F16>(|bits| f16::from_bits(bits).to_f32());
    }
}
