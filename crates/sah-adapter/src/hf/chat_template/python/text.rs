//! Methods of `str` that need no arguments but texts.

use minijinja::Error;

use super::failed;
use super::words::{is_alpha, is_alphanumeric, is_cased, is_decimal, is_digit, is_numeric, is_title, title};

/// What Python takes for white space. Rust lacks the four separators of ASCII.
pub(in super::super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// `str.strip` and the filter `trim`.
pub(in super::super) fn strip<'a>(text: &'a str, characters: Option<&str>) -> &'a str {
    match characters {
        None => text.trim_matches(is_space),
        Some(characters) => text.trim_matches(|c| characters.contains(c)),
    }
}

/// `str.lstrip`.
pub(super) fn strip_start<'a>(text: &'a str, characters: Option<&str>) -> &'a str {
    match characters {
        None => text.trim_start_matches(is_space),
        Some(characters) => text.trim_start_matches(|c| characters.contains(c)),
    }
}

/// `str.rstrip`.
pub(super) fn strip_end<'a>(text: &'a str, characters: Option<&str>) -> &'a str {
    match characters {
        None => text.trim_end_matches(is_space),
        Some(characters) => text.trim_end_matches(|c| characters.contains(c)),
    }
}

/// As markupsafe escapes.
pub(in super::super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

/// `str.capitalize`.
pub(in super::super) fn capitalize(text: &str) -> Result<String, Error> {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return Ok(String::new()) };
    check_sigma(text)?;
    let mut out = String::from(title(first)?);
    out.push_str(&letters.as_str().to_lowercase());
    Ok(out)
}

/// `str.title`.
pub(super) fn titled(text: &str) -> Result<String, Error> {
    check_sigma(text)?;
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            out.extend(c.to_lowercase());
        } else {
            out.push(title(c)?);
        }
        in_word = is_cased(c);
    }
    Ok(out)
}

/// `str.swapcase`.
pub(super) fn swap_case(text: &str) -> Result<String, Error> {
    check_sigma(text)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else if c.is_lowercase() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    Ok(out)
}

/// The lower case of sigma depends on what is around it.
fn check_sigma(text: &str) -> Result<(), Error> {
    if text.contains('\u{3a3}') { Err(failed("the lower case of a capital sigma")) } else { Ok(()) }
}

/// `str.casefold`.
pub(super) fn case_fold(text: &str) -> Result<String, Error> {
    if text.is_ascii() { Ok(text.to_ascii_lowercase()) } else { Err(failed("`casefold` beyond ASCII")) }
}

/// `str.islower`.
pub(in super::super) fn is_lower(text: &str) -> bool {
    !text.chars().any(|c| c.is_uppercase() || is_title(c)) && text.chars().any(char::is_lowercase)
}

/// `str.isupper`.
pub(in super::super) fn is_upper(text: &str) -> bool {
    !text.chars().any(|c| c.is_lowercase() || is_title(c)) && text.chars().any(char::is_uppercase)
}

/// `str.istitle`.
fn is_titled(text: &str) -> bool {
    let mut in_word = false;
    let mut any = false;
    for c in text.chars() {
        let capital = c.is_uppercase() || is_title(c);
        if capital && in_word || c.is_lowercase() && !in_word {
            return false;
        }
        in_word = capital || c.is_lowercase();
        any |= in_word;
    }
    any
}

/// The methods that say what a text consists of; `None` for another name.
pub(super) fn is(text: &str, method: &str) -> Result<Option<bool>, Error> {
    let all = |of: fn(char) -> bool| !text.is_empty() && text.chars().all(of);
    let all_checked = |of: fn(char) -> Result<bool, Error>| {
        let mut fits = !text.is_empty();
        for c in text.chars() {
            fits &= of(c)?;
        }
        Ok::<bool, Error>(fits)
    };
    Ok(Some(match method {
        "isalnum" => all(is_alphanumeric),
        "isalpha" => all(is_alpha),
        "isascii" => text.is_ascii(),
        "isdecimal" => all(is_decimal),
        "isdigit" => all_checked(is_digit)?,
        "isidentifier" if text.is_ascii() => {
            all(|c| c == '_' || c.is_ascii_alphanumeric()) && !text.starts_with(|c: char| c.is_ascii_digit())
        }
        "islower" => is_lower(text),
        "isnumeric" => all_checked(is_numeric)?,
        "isprintable" if text.is_ascii() => text.chars().all(|c| (' '..='~').contains(&c)),
        "isidentifier" | "isprintable" => return Err(failed(format!("`{method}` beyond ASCII"))),
        "isspace" => all(is_space),
        "istitle" => is_titled(text),
        "isupper" => is_upper(text),
        _ => return Ok(None),
    }))
}

/// `str.split`: at each separator from the left, at most `limit` times; without a separator at white space.
pub(super) fn split<'a>(
    text: &'a str,
    separator: Option<&str>,
    limit: Option<usize>,
) -> Result<Vec<&'a str>, Error> {
    let Some(separator) = separator else {
        let mut rest = text.trim_start_matches(is_space);
        let mut parts = vec![];
        while !rest.is_empty() {
            if limit == Some(parts.len()) {
                parts.push(rest);
                break;
            }
            let (part, after) = rest.split_once(is_space).unwrap_or((rest, ""));
            parts.push(part);
            rest = after.trim_start_matches(is_space);
        }
        return Ok(parts);
    };
    not_empty(separator)?;
    Ok(match limit {
        None => text.split(separator).collect(),
        Some(limit) => text.splitn(limit.saturating_add(1), separator).collect(),
    })
}

/// `str.rsplit`: as [`split`], from the right.
pub(super) fn split_from_end<'a>(
    text: &'a str,
    separator: Option<&str>,
    limit: Option<usize>,
) -> Result<Vec<&'a str>, Error> {
    let Some(limit) = limit else { return split_all_from_end(text, separator) };
    let mut parts = vec![];
    match separator {
        None => {
            let mut rest = text.trim_end_matches(is_space);
            while !rest.is_empty() {
                if parts.len() == limit {
                    parts.push(rest);
                    break;
                }
                let (before, part) = rest.rsplit_once(is_space).unwrap_or(("", rest));
                parts.push(part);
                rest = before.trim_end_matches(is_space);
            }
        }
        Some(separator) => parts.extend(text.rsplitn(limit.saturating_add(1), not_empty(separator)?)),
    }
    parts.reverse();
    Ok(parts)
}

/// Where separators overlap, the last ones count.
fn split_all_from_end<'a>(text: &'a str, separator: Option<&str>) -> Result<Vec<&'a str>, Error> {
    let Some(separator) = separator else { return split(text, None, None) };
    let mut parts: Vec<&str> = text.rsplit(not_empty(separator)?).collect();
    parts.reverse();
    Ok(parts)
}

/// `str.splitlines`: at everything that Python takes for the end of a line.
pub(in super::super) fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let ends = |c: char| {
        matches!(c, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let mut lines = vec![];
    let mut rest = text;
    while let Some(at) = rest.find(ends) {
        let end = if rest[at..].starts_with("\r\n") {
            at + 2
        } else {
            at + rest[at..].chars().next().map_or(1, char::len_utf8)
        };
        lines.push(&rest[..if keep_ends { end } else { at }]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// `str.expandtabs`.
pub(super) fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let missing = size - column % size;
                column += missing;
                out.extend(std::iter::repeat_n(' ', missing));
            }
            '\t' => {}
            c => {
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
                out.push(c);
            }
        }
    }
    out
}

/// An error where a separator is empty.
pub(super) fn not_empty(separator: &str) -> Result<&str, Error> {
    if separator.is_empty() { Err(failed("empty separator")) } else { Ok(separator) }
}
