//! Words and numbers picked out of an answer.

use sah_metrics::python;

/// The first run of ASCII digits; the empty text where there is none.
pub(super) fn first_digits(answer: &str) -> &str {
    answer.split(|c: char| !c.is_ascii_digit()).find(|run| !run.is_empty()).unwrap_or_default()
}

/// Whether one of the answer's words is `word`. Line ends and `: " ' . , ? ! { }` part words.
pub(super) fn has_word(answer: &str, word: &str) -> bool {
    python::split_whitespace(&without_marks(answer)).any(|found| found == word)
}

/// The same with the answer in capitals: the name of a character in a script. A name of several words is never found, as in the
/// official scorer.
pub(super) fn has_name(answer: &str, name: &str) -> bool {
    python::split_whitespace(&without_marks(answer)).any(|found| found.to_uppercase() == name)
}

fn without_marks(answer: &str) -> String {
    answer.replace(['\n', ':', '"', '\'', '.', ',', '?', '!', '{', '}'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_digits_are_found() {
        for (answer, digits) in
            [("The key is 0712.", "0712"), ("1-2", "1"), ("３ 4", "4"), ("none", ""), ("", "")]
        {
            assert_eq!(first_digits(answer), digits, "{answer:?}");
        }
    }

    #[test]
    fn marks_part_words_and_brackets_do_not() {
        for (answer, is_there) in [
            ("{\"a-1\"}.", true),
            ("it's:a-1!", true),
            ("(a-1)", false),
            ("`a-1`", false),
            ("a-12", false),
            ("", false),
        ] {
            assert_eq!(has_word(answer, "a-1"), is_there, "{answer:?}");
        }
    }

    #[test]
    fn names_are_whole_words_in_any_case() {
        for (answer, is_there) in [("ace", true), ("It is Ace.", true), ("PEACE", false), ("ACE-1", false)] {
            assert_eq!(has_name(answer, "ACE"), is_there, "{answer:?}");
        }
        assert!(!has_name("ACE ROTH", "ACE ROTH"));
    }
}
