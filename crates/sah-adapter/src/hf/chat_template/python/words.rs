//! Classes of characters, by the rules of Python's `str`.

use std::sync::LazyLock;

use minijinja::Error;
use regex::Regex;

use super::failed;

/// A class of Unicode characters.
struct Class(LazyLock<Regex>);

impl Class {
    fn has(&self, c: char) -> bool {
        self.0.is_match(c.encode_utf8(&mut [0; 4]))
    }
}

macro_rules! classes {
    ($($name:ident = $pattern:literal;)*) => {
        $(static $name: Class = Class(LazyLock::new(|| Regex::new($pattern).expect("a constant pattern")));)*
    };
}

classes! {
    LETTER = r"^\p{L}$";
    DECIMAL = r"^\p{Nd}$";
    OTHER_NUMBER = r"^[\p{No}\p{Nl}]$";
    TITLE = r"^\p{Lt}$";
}

/// `str.isalpha` of a character.
pub(super) fn is_alpha(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { LETTER.has(c) }
}

/// `str.isdecimal` of a character.
pub(super) fn is_decimal(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { DECIMAL.has(c) }
}

/// `str.isalnum` of a character.
pub(super) fn is_alphanumeric(c: char) -> bool {
    is_alpha(c) || is_decimal(c) || !c.is_ascii() && OTHER_NUMBER.has(c)
}

/// `\w` of Python's regular expressions.
pub(in super::super) fn is_word(c: char) -> bool {
    c == '_' || is_alphanumeric(c)
}

/// `str.isdigit` of a character. Which of the numbers that are no decimals count is not known here.
pub(super) fn is_digit(c: char) -> Result<bool, Error> {
    if !c.is_ascii() && OTHER_NUMBER.has(c) {
        return Err(failed(format!("`isdigit` of {c:?}")));
    }
    Ok(is_decimal(c))
}

/// `str.isnumeric` of a character. Which ideographs count is not known here.
pub(super) fn is_numeric(c: char) -> Result<bool, Error> {
    let is_ideograph = matches!(u32::from(c), 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff);
    if is_ideograph {
        return Err(failed(format!("`isnumeric` of {c:?}")));
    }
    Ok(is_decimal(c) || !c.is_ascii() && OTHER_NUMBER.has(c))
}

/// Whether it is a title letter, such as U+01C5.
pub(super) fn is_title(c: char) -> bool {
    !c.is_ascii() && TITLE.has(c)
}

/// Whether it has an upper, lower or title form.
pub(super) fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || is_title(c)
}

/// What begins a word with a capital. Where that is not the upper-case form, it is not known here.
pub(super) fn title(c: char) -> Result<char, Error> {
    let mut upper = c.to_uppercase();
    let has_own = matches!(u32::from(c), 0x1c4..=0x1cc | 0x1f1..=0x1f3 | 0x10d0..=0x10ff | 0x1f80..=0x1fff);
    match (upper.next(), upper.next()) {
        (Some(upper), None) if !has_own => Ok(upper),
        _ => Err(failed(format!("a capital {c:?} at the start of a word"))),
    }
}
