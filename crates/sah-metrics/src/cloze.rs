//! Gaps of a text filled by a model.

use std::collections::HashSet;

use crate::literal::{Literal, parse};
use crate::python;

/// What a model's answer gets for the gaps of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClozeMatches {
    /// The gaps that have exactly the right text.
    pub exact: usize,
    /// The gaps that have a word of the right text.
    pub partial: usize,
    /// All gaps.
    pub gaps: usize,
}

/// Compares an answer that is a Python dictionary from gaps to texts with `reference`: exactly, and by words, which white space
/// parts. An answer that is no dictionary fills no gap.
///
/// The measure of `LooGLE` (Li et al., 2023), whose scorer runs the answer as Python. Here it is read, and nothing is run: what is
/// not a plain literal counts as unreadable. A value that is no text matches nothing; that scorer raises for it.
///
/// ```
/// use sah_metrics::{ClozeMatches, cloze_matches};
///
/// let reference = [("<mask-0>", "Ann"), ("<mask-1>", "Bob Ray")];
/// let matches = cloze_matches("{'<mask-0>': 'Ann', '<mask-1>': 'Bob'}", &reference);
/// assert_eq!(matches, ClozeMatches { exact: 1, partial: 2, gaps: 2 });
/// ```
#[must_use]
pub fn cloze_matches<T: AsRef<str>>(answer: &str, reference: &[(T, T)]) -> ClozeMatches {
    let answer = parse(answer).unwrap_or(Literal::None);
    let mut matches = ClozeMatches { exact: 0, partial: 0, gaps: reference.len() };
    for (gap, right) in reference {
        let right = right.as_ref();
        let Some(filled) = answer.get(gap.as_ref()).and_then(Literal::text) else { continue };
        let words: HashSet<&str> = python::split_whitespace(right).collect();
        matches.exact += usize::from(filled == right);
        matches.partial += usize::from(python::split_whitespace(filled).any(|word| words.contains(word)));
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answer: &str) -> (usize, usize) {
        let matches = cloze_matches(answer, &[("<mask-0>", "Ann Lee"), ("<mask-1>", "Bob")]);
        assert_eq!(matches.gaps, 2);
        (matches.exact, matches.partial)
    }

    #[test]
    fn gaps_match_exactly_or_by_a_word() {
        for (answer, exact, partial) in [
            ("{'<mask-0>': 'Ann Lee', '<mask-1>': 'Bob'}", 2, 2),
            (r#"{"<mask-0>": "Lee", "<mask-1>": "Bobby"}"#, 0, 1),
            ("{'<mask-1>': 'bob'}", 0, 0),
            ("{'<mask-1>': 'Al', '<mask-1>': 'Bob'}", 1, 1),
            ("{'<mask-0>': ['Ann Lee'], '<mask-1>': None}", 0, 0),
            ("{'<mask-1>': 'Bob', '<mask-2>': 'Cy'}", 1, 1),
            ("The answer is {'<mask-1>': 'Bob'}", 0, 0),
            ("{'<mask-1>': 'Bob'", 0, 0),
            ("[('<mask-1>', 'Bob')]", 0, 0),
            ("dict(a='Bob')", 0, 0),
            ("", 0, 0),
        ] {
            assert_eq!(of(answer), (exact, partial), "{answer}");
        }
    }
}
