//! Long texts, cut to what fits a report.

/// The beginning and the end of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The beginning, or all of it.
    pub head: String,
    /// Characters that were left out after it.
    pub left_out: usize,
    /// The end; empty where nothing was left out.
    pub tail: String,
}

impl Excerpt {
    /// At most `head` characters of the beginning of `text` and `tail` of its end.
    #[must_use]
    pub fn of(text: &str, head: usize, tail: usize) -> Self {
        let characters = text.chars().count();
        if characters <= head + tail {
            return Self { head: text.to_owned(), left_out: 0, tail: String::new() };
        }
        Self {
            head: text.chars().take(head).collect(),
            left_out: characters - head - tail,
            tail: text.chars().skip(characters - tail).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_between_characters_and_counts_them() {
        let cut = Excerpt::of("\u{4e2d}\u{6587}abcdef\u{1f600}", 2, 1);
        let expected = ("\u{4e2d}\u{6587}".to_owned(), 6, "\u{1f600}".to_owned());
        assert_eq!((cut.head, cut.left_out, cut.tail), expected);
        let whole = Excerpt::of("abc", 2, 1);
        assert_eq!((whole.head.as_str(), whole.left_out, whole.tail.as_str()), ("abc", 0, ""));
    }
}
