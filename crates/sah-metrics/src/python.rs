//! Text as Python has it, where Rust's standard library differs.
//!
//! ```
//! use sah_metrics::python::{digit_runs, split_whitespace};
//!
//! assert_eq!(split_whitespace("a\u{1c}b").collect::<Vec<_>>(), ["a", "b"]);
//! assert_eq!(digit_runs("7 of ٣٤").collect::<Vec<_>>(), ["7", "٣٤"]);
//! ```

use std::sync::LazyLock;

use regex::Regex;

/// `str.isspace` of one character: Rust's white space and the four ASCII separators.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `text.strip()`.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `round(x, digits)`: the exact binary value decides, exact ties go to even.
#[must_use]
pub fn round(x: f64, digits: usize) -> f64 {
    // The formatter works on the exact value, too.
    format!("{x:.digits$}").parse().unwrap_or(x)
}

/// `text.split()`.
pub fn split_whitespace(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `text.split()` and `"".join`: `text` without white space.
#[must_use]
pub fn without_whitespace(text: &str) -> String {
    text.chars().filter(|&c| !is_space(c)).collect()
}

/// `re.findall(r"\d+", text)`: the runs of decimal digits of any script.
pub fn digit_runs(text: &str) -> impl Iterator<Item = &str> {
    static DIGITS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+").expect("a constant pattern"));
    DIGITS.find_iter(text).map(|found| found.as_str())
}

/// `str.isdecimal` of one character, and its value: the decimal digits of any script.
///
/// Unicode keeps the ten digits of a script together and in order, so the value is the distance from the first.
#[must_use]
pub fn digit_value(c: char) -> Option<u32> {
    static DIGIT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\d$").expect("a constant pattern"));
    let is_digit = |c: char| DIGIT.is_match(c.encode_utf8(&mut [0; 4]));
    if c.is_ascii() || !is_digit(c) {
        return c.to_digit(10);
    }
    let before =
        (1..=c as u32).take_while(|back| char::from_u32(c as u32 - back).is_some_and(is_digit)).count();
    Some(before as u32 % 10)
}

/// `int(text)`, as the decimal digits of its value: however many, with a minus sign where it is below zero. `None` where Python
/// raises.
///
/// ```
/// use sah_metrics::python::int;
///
/// assert_eq!(int(" -0_12\n").as_deref(), Some("-12"));
/// assert_eq!(int("٣٤").as_deref(), Some("34"));
/// assert_eq!(int("1.0"), None);
/// ```
#[must_use]
pub fn int(text: &str) -> Option<String> {
    let text = text.trim_matches(is_space);
    let (minus, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let mut value = String::with_capacity(text.len());
    for part in digits.split('_') {
        if part.is_empty() {
            return None;
        }
        value.push_str(&ascii_digits(part).filter(|part| !part.contains('.'))?);
    }
    let significant = value.trim_start_matches('0');
    Some(match (minus, significant) {
        (_, "") => "0".to_owned(),
        (true, value) => format!("-{value}"),
        (false, value) => value.to_owned(),
    })
}

/// Digits of any script, and full stops, with ASCII's digits; `None` where there is anything else.
pub(crate) fn ascii_digits(text: &str) -> Option<String> {
    let ascii = |c| if c == '.' { Some('.') } else { char::from_digit(digit_value(c)?, 10) };
    text.chars().map(ascii).collect()
}

/// `\w` of `re`: letters, digits and other numbers of any script, and the underscore. Unlike Rust's `is_alphanumeric`
/// it leaves out combining marks and enclosed letters.
#[must_use]
pub fn is_word(c: char) -> bool {
    static LETTER_OR_NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{N}]$").expect("a constant pattern"));
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric() && LETTER_OR_NUMBER.is_match(c.encode_utf8(&mut [0; 4]))
}

/// `re.sub(r"\b(a|an|the)\b", " ", text)`.
#[must_use]
pub fn articles_to_spaces(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let length = if before.is_some_and(is_word) { None } else { article_length(rest) };
        if let Some(length) = length {
            out.push(' ');
            before = rest[..length].chars().next_back();
            rest = &rest[length..];
        } else {
            out.push(c);
            before = Some(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Length of the article that `text` begins with, if it is a word of its own.
fn article_length(text: &str) -> Option<usize> {
    ["a", "an", "the"].iter().find_map(|article| {
        let rest = text.strip_prefix(article)?;
        (!rest.chars().next().is_some_and(is_word)).then_some(article.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_separators_are_white_space() {
        let words: Vec<_> = split_whitespace("a\u{1c}b\u{1f}\u{3000}c\u{a0}d\u{200b}e\u{85}").collect();
        assert_eq!(words, ["a", "b", "c", "d\u{200b}e"]);
        assert_eq!(without_whitespace(" a\u{1d}b\u{2003}"), "ab");
    }

    #[test]
    fn digits_of_any_script_make_numbers() {
        let runs: Vec<_> = digit_runs("1a23 ٣٤ ½²Ⅷ九 -5").collect();
        assert_eq!(runs, ["1", "23", "٣٤", "5"]);
    }

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, value) in [
            ("7", Some("7")),
            (" +007\u{a0}", Some("7")),
            ("-0", Some("0")),
            ("1_000", Some("1000")),
            ("１２", Some("12")),
            ("𝟘𝟙𝟟", Some("17")),
            ("123456789012345678901234567890", Some("123456789012345678901234567890")),
            ("", None),
            ("-", None),
            ("--1", None),
            ("- 1", None),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("1.0", None),
            ("½", None),
            ("0x1", None),
        ] {
            assert_eq!(int(text).as_deref(), value, "{text:?}");
        }
    }

    #[test]
    fn articles_go_only_as_whole_words() {
        for (text, expected) in [
            ("a", " "),
            ("the a an", "     "),
            ("then an_ ana thea _a", "then an_ ana thea _a"),
            ("theé é a1 a-a", "theé é a1  - "),
            // A combining mark is no word character, an enclosed letter neither; a CJK character is one.
            ("a\u{301} aⓐ a的", " \u{301}  ⓐ a的"),
        ] {
            assert_eq!(articles_to_spaces(text), expected, "{text:?}");
        }
    }
}
