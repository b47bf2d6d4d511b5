//! Literals that minijinja reads otherwise than Jinja2: they are refused.

use super::pieces::{Piece, pieces};

/// What is wrong with the first such literal in `source`.
pub(super) fn check(source: &str) -> Result<(), String> {
    for piece in pieces(source) {
        if let Piece::Code { inside, .. } = piece {
            check_code(inside)?;
        }
    }
    Ok(())
}

fn check_code(code: &str) -> Result<(), String> {
    let mut rest = code;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\'' | '"' => text(rest, c)?,
            '0'..='9' if !before.is_alphanumeric() && before != '_' => number(rest, before == '.')?,
            c => c.len_utf8(),
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    Ok(())
}

/// The length of the text that `rest` begins with, quotes included.
fn text(rest: &str, quote: char) -> Result<usize, String> {
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, c)) = letters.next() {
        if c == quote {
            return Ok(at + 1);
        }
        if c != '\\' {
            continue;
        }
        let Some((at, escape)) = letters.next() else { break };
        let digits = rest.get(at + 1..at + 3).unwrap_or_default().to_ascii_lowercase();
        let is_surrogate = escape == 'u' && ("d8".."e0").contains(&digits.as_str());
        if matches!(escape, 'U' | 'N' | 'a' | 'v' | '\n') || is_surrogate {
            return Err(format!("the escape `\\{}` in a text", escape.escape_debug()));
        }
    }
    Ok(rest.len())
}

/// The length of the number that `rest` begins with. Behind a dot it is the place of an item.
fn number(rest: &str, is_item: bool) -> Result<usize, String> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let whole = digits(rest);
    let (integer, after) = rest.split_at(whole);
    let refused = || Err(format!("the number that begins with {integer}"));
    let leading_zero =
        integer.len() > 1 && integer.starts_with('0') && integer.bytes().any(|b| b != b'0' && b != b'_');
    if integer.contains("__") || integer.ends_with('_') || leading_zero {
        return refused();
    }
    let Some(fraction) = after.strip_prefix('.').filter(|_| !is_item) else { return Ok(whole) };
    let mut letters = fraction.chars();
    let is_attribute = match (letters.next(), letters.next()) {
        (Some('e' | 'E'), Some(next)) => !next.is_ascii_digit() && !matches!(next, '+' | '-'),
        (Some(next), _) => next.is_alphabetic() || next == '_',
        (None, _) => false,
    };
    let behind = digits(fraction);
    if behind == 0 && !is_attribute || fraction[..behind].contains("__") || fraction[..behind].ends_with('_')
    {
        return refused();
    }
    Ok(whole + if behind > 0 { 1 + behind } else { 0 })
}
