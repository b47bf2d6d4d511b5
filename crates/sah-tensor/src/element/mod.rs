//! Rows of numbers in the forms in which they are stored; products and sums are in f32.

mod codes;
mod halves;
mod int8;
mod parts;

use pulp::Simd;
use pulp::bytemuck::{Pod, cast_slice};

pub use codes::{Codes, scale_codes, scale_groups};
pub use halves::{Bf16, F16};
pub use int8::Int8;
pub use parts::Parts;

/// Rows that are read side by side: what they are multiplied with or added to is loaded once for all. Where they lie apart,
/// memory is read in as many streams, each of which the processor fetches ahead: 10.8 GB/s on one core where one has 8.1.
pub const ROWS: usize = 4;

/// A form in which numbers are stored, read as words of one or more of them. A row may end with a word that is none of them.
pub trait Element: Sync {
    /// What is read at once.
    type Word: Pod + Sync;
    /// Elements in a word.
    const PER_WORD: usize;

    /// Writes the elements of `row` to `elements`, in their own order: plain loops, which the compiler turns into vector
    /// instructions where the caller has those.
    fn widen(row: &[Self::Word], elements: &mut [f32]);
}

/// An element of weights: words of nothing but elements, which are not multiplied by anything.
pub trait Weight: Parts {
    /// The words as f32, where they are.
    fn floats(_words: &[Self::Word]) -> Option<&[f32]> {
        None
    }

    /// The words as two bf16 each, where they are.
    fn bf16(_words: &[Self::Word]) -> Option<&[u32]> {
        None
    }
}

/// f32 as it is.
#[derive(Debug, Clone, Copy)]
pub struct F32;

impl Element for F32 {
    type Word = f32;
    const PER_WORD: usize = 1;

    #[inline(always)]
    fn widen(row: &[f32], elements: &mut [f32]) {
        elements.copy_from_slice(row);
    }
}

impl Parts for F32 {
    #[inline(always)]
    fn words(row: &[f32]) -> (&[u32], f32) {
        (cast_slice(row), 1.0)
    }

    #[inline(always)]
    fn widen_words<S: Simd>(simd: S, words: S::u32s, _: usize) -> S::f32s {
        simd.transmute_f32s_u32s(words)
    }

    #[inline(always)]
    fn widen_word(word: u32, _: usize) -> f32 {
        f32::from_bits(word)
    }
}

impl Weight for F32 {
    fn floats(words: &[f32]) -> Option<&[f32]> {
        Some(words)
    }
}
