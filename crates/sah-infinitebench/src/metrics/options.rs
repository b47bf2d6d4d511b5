//! One of four options in an answer.

use sah_metrics::python;

/// What comes before the answer about a function, the first of these that occurs.
const CODE_CUES: [&str; 4] = ["answer is:", "is:", "answer:", "correct option is:"];
/// The same about a book.
const BOOK_CUES: [&str; 4] = ["answer is:", "answer:", "answer is", "option is"];

/// Whether the answer names the function with the error: its letter with a full stop or colon at the beginning, or letter or name
/// one character after a cue. A letter alone is wrong.
pub(super) fn code(answer: &str, name: &str, letter: &str) -> bool {
    let answer = python::strip(answer);
    if answer.strip_prefix(letter).is_some_and(|rest| rest.starts_with(['.', ':'])) {
        return true;
    }
    let text =
        answer.replace(['\n', '`', '\'', '"', '-', '*'], " ").replace("Option", " ").replace("option", " ");
    let text = with_single_blanks(&text);
    let after = after_cue(&text, CODE_CUES);
    after.is_some_and(|after| after.starts_with(letter) || after.starts_with(name))
}

/// Whether the answer names the right option. The first of these decides: a capital A to D at the beginning, even of a word; the
/// text of the option as the whole answer; letter or text one character after a cue; the first word that is one of the letters.
pub(super) fn book(answer: &str, text: &str, letter: &str) -> bool {
    let answer = python::strip(answer);
    let Some(first) = answer.chars().next() else { return false };
    let is_right = |found: &str| found == text || found == letter;
    if matches!(first, 'A'..='D') {
        return is_right(&answer[..1]);
    }
    if is_right(answer) {
        return true;
    }
    let words = with_single_blanks(&answer.replace(['\n', '"', '\'', '.', ',', '?', '!', '{', '}'], " "));
    if let Some(after) = after_cue(&words, BOOK_CUES) {
        return after.starts_with(text) || after.starts_with(letter);
    }
    // "BC" counts as a letter, and as a wrong one.
    python::split_whitespace(&words).find(|word| "ABCD".contains(word)).is_some_and(is_right)
}

/// What follows the first of `cues` that occurs, and one more character: nothing where the text ends there.
fn after_cue<'a>(text: &'a str, cues: [&str; 4]) -> Option<&'a str> {
    let (_, after) = cues.iter().find_map(|cue| text.split_once(cue))?;
    let mut characters = after.chars();
    characters.next();
    Some(characters.as_str())
}

fn with_single_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_by_letter_or_name() {
        for (answer, is_right) in [
            ("B. other", true),
            (" B: it", true),
            ("B", false),
            ("B) it", false),
            ("The correct option is: B", true),
            ("The answer is: **Clock.wind**", true),
            ("answer is:B", false),
            ("The error is: in A; answer is: B", true),
            ("It is: A. The answer: B", false),
            ("The answer is:", false),
            ("Option B", false),
            ("", false),
        ] {
            assert_eq!(code(answer, "Clock.wind", "B"), is_right, "{answer:?}");
        }
    }

    #[test]
    fn options_of_a_book_are_named_by_letter_or_text() {
        for (answer, is_right) in [
            ("B", true),
            ("B. anything", true),
            ("Because", true),
            ("A mill", false),
            ("a mill", true),
            ("\"B\"", true),
            ("The answer is: B", true),
            ("The answer is a mill.", true),
            ("The answer is", false),
            ("the option is A", false),
            ("I say B, not A", true),
            ("I say BC or B", false),
            ("mill", false),
            (" \n", false),
            ("", false),
        ] {
            assert_eq!(book(answer, "a mill", "B"), is_right, "{answer:?}");
        }
    }
}
