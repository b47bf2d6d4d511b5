//! Rows of stored numbers, at a fixed stride.

use std::ops::Range;

use crate::element::Element;

/// Equally spaced rows of one length, such as the keys of one head of a KV cache.
#[derive(Debug)]
pub struct Rows<'a, E: Element> {
    words: &'a [E::Word],
    stride: usize,
    width: usize,
}

impl<'a, E: Element> Rows<'a, E> {
    /// Rows of `width` words in `words`, of which row `i` begins at word `i * stride`.
    #[must_use]
    pub fn new(words: &'a [E::Word], stride: usize, width: usize) -> Self {
        Self { words, stride, width }
    }

    /// Row `index`.
    ///
    /// # Panics
    ///
    /// Where it goes beyond the words.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, index: usize) -> &'a [E::Word] {
        &self.words[index * self.stride..index * self.stride + self.width]
    }

    /// The words of `rows`, where these lie side by side.
    ///
    /// # Panics
    ///
    /// Where they go beyond the words.
    #[inline(always)]
    #[must_use]
    pub fn side_by_side(&self, rows: Range<usize>) -> Option<&'a [E::Word]> {
        let words = rows.start * self.stride..rows.end * self.stride;
        (self.stride == self.width).then(|| &self.words[words])
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::element::F32;

    #[test]
    fn rows_lie_a_stride_apart_and_may_overlap() {
        let words = [0.0, 1.0, 2.0, 3.0, 4.0];
        let rows = Rows::<F32>::new(&words, 3, 2);
        assert_eq!((rows.row(0), rows.row(1)), (&[0.0, 1.0][..], &[3.0, 4.0][..]));
        assert_eq!(Rows::<F32>::new(&words, 1, 2).row(3), [3.0, 4.0]);
        assert_eq!(Rows::<F32>::new(&words, 0, 1).row(9), [0.0]);
        assert_eq!(rows.side_by_side(0..2), None);
        assert_eq!(Rows::<F32>::new(&words, 2, 2).side_by_side(1..2), Some(&[2.0, 3.0][..]));
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn a_row_beyond_the_words_is_refused() {
        let _ = Rows::<F32>::new(&[0.0; 5], 3, 3).row(1);
    }
}
