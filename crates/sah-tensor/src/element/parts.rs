//! Words that are widened to f32 as they are multiplied.

use std::borrow::Cow;

use pulp::Simd;

use super::Element;

/// An element whose words are widened part by part: the first element of each word of a vector, then the second ones, and so on.
///
/// What is multiplied with such rows or added to them is arranged: the first elements of all words, then the second ones.
pub trait Parts: Element {
    /// The words of a row that hold elements, and what the elements are multiplied by.
    fn words(row: &[Self::Word]) -> (&[u32], f32);

    /// Element `part` of each word, not multiplied.
    fn widen_words<S: Simd>(simd: S, words: S::u32s, part: usize) -> S::f32s;

    /// Element `part` of one word, not multiplied.
    fn widen_word(word: u32, part: usize) -> f32;

    /// The elements of one vector, arranged.
    #[must_use]
    fn arrange(vector: &[f32]) -> Cow<'_, [f32]> {
        if Self::PER_WORD == 1 {
            return Cow::Borrowed(vector);
        }
        let part = |part: usize| vector.iter().skip(part).step_by(Self::PER_WORD).copied();
        Cow::Owned((0..Self::PER_WORD).flat_map(part).collect())
    }

    /// The inverse of [`Parts::arrange`].
    #[must_use]
    fn restore(arranged: &[f32]) -> Vec<f32> {
        let width = arranged.len() / Self::PER_WORD;
        (0..width).flat_map(|word| arranged[word..].iter().step_by(width).copied()).collect()
    }
}
