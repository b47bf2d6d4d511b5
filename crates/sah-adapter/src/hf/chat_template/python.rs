//! Methods of Python's `str` and `list` that templates call, where minijinja has none or others.

use minijinja::value::{Tuple, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

/// Calls `method` of `value`; what is not here is left to minijinja's own imitation of Python.
pub(super) fn call_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    let called = match (value.as_str(), value.kind()) {
        (Some(text), _) => text_method(state, text, method, args)?,
        (None, ValueKind::Seq) if method == "index" => {
            let (wanted,): (&Value,) = from_args(args)?;
            let at = value.try_iter()?.position(|item| item == *wanted);
            Some(at.map(Value::from).ok_or_else(|| failed("the list has no such item"))?)
        }
        _ => None,
    };
    match called {
        Some(result) => Ok(result),
        None => unknown_method_callback(state, value, method, args),
    }
}

/// A number as Python's `repr` writes it: the shortest digits that mean it, with an exponent from 1e16 on and below
/// 1e-4.
pub(super) fn float_repr(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) || !number.is_finite() {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `str(value)` for values without floats in them.
pub(super) fn shown(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(number) if value.kind() == ValueKind::Number && !value.is_integer() => float_repr(number),
        _ => value.to_string(),
    }
}

/// `str.title`, where the capital form of a letter is its upper case.
fn titled(text: &str) -> Result<String, Error> {
    let own_capital = || failed("`title` of a letter that has a capital of its own");
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if matches!(u32::from(c), 0x1c4..=0x1cc | 0x1f1..=0x1f3 | 0x3a3 | 0x10d0..=0x10ff | 0x1f80..=0x1fff) {
            return Err(own_capital());
        }
        if in_word {
            out.extend(c.to_lowercase());
        } else {
            let mut upper = c.to_uppercase();
            let (Some(capital), None) = (upper.next(), upper.next()) else { return Err(own_capital()) };
            out.push(capital);
        }
        in_word = c.is_lowercase() || c.is_uppercase();
    }
    Ok(out)
}

/// What Python takes for white space. Rust lacks the four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// `str.strip` and the filter `trim`.
pub(super) fn strip<'a>(text: &'a str, characters: Option<&str>) -> &'a str {
    match characters {
        None => text.trim_matches(is_space),
        Some(characters) => text.trim_matches(|c| characters.contains(c)),
    }
}

fn text_method(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    args: &[Value],
) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "strip" => {
            let (characters,): (Option<&str>,) = from_args(args)?;
            strip(text, characters).into()
        }
        "lstrip" => match from_args::<(Option<&str>,)>(args)?.0 {
            None => text.trim_start_matches(is_space).into(),
            Some(characters) => text.trim_start_matches(|c| characters.contains(c)).into(),
        },
        "rstrip" => match from_args::<(Option<&str>,)>(args)?.0 {
            None => text.trim_end_matches(is_space).into(),
            Some(characters) => text.trim_end_matches(|c| characters.contains(c)).into(),
        },
        "isspace" => {
            let () = from_args(args)?;
            (!text.is_empty() && text.chars().all(is_space)).into()
        }
        "split" => {
            let (separator, limit) = from_args(args)?;
            split(text, separator, limit)?
        }
        "rsplit" => {
            let (separator, limit) = from_args(args)?;
            rsplit(text, separator, limit)?
        }
        "splitlines" => {
            let (keep,): (Option<bool>,) = from_args(args)?;
            lines(text, keep.unwrap_or(false)).into_iter().map(Value::from).collect()
        }
        "partition" => {
            let (separator,): (&str,) = from_args(args)?;
            let parts = text.split_once(not_empty(separator)?);
            tuple(parts.map_or([text, "", ""], |(before, after)| [before, separator, after]))
        }
        "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let parts = text.rsplit_once(not_empty(separator)?);
            tuple(parts.map_or(["", "", text], |(before, after)| [before, separator, after]))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            text.strip_prefix(prefix).unwrap_or(text).into()
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            text.strip_suffix(suffix).unwrap_or(text).into()
        }
        "index" | "rindex" => {
            let (wanted,): (&str,) = from_args(args)?;
            let at = if method == "index" { text.find(wanted) } else { text.rfind(wanted) };
            let at = at.ok_or_else(|| failed("substring not found"))?;
            text[..at].chars().count().into()
        }
        "title" => {
            let () = from_args(args)?;
            titled(text)?.into()
        }
        "swapcase" => {
            let () = from_args(args)?;
            let swapped = |c: char| -> String {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            };
            text.chars().map(swapped).collect::<String>().into()
        }
        "ljust" | "rjust" | "center" | "zfill" => padded(state, text, method, args)?,
        _ => return Ok(None),
    }))
}

/// `str.split`: at each separator from the left, at most `limit` times; without a separator at white space.
fn split(text: &str, separator: Option<&str>, limit: Option<i64>) -> Result<Value, Error> {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
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
        return Ok(parts.into_iter().collect());
    };
    not_empty(separator)?;
    Ok(match limit {
        None => text.split(separator).collect(),
        Some(limit) => text.splitn(limit.saturating_add(1), separator).collect(),
    })
}

/// `str.rsplit`: as [`split`], from the right.
fn rsplit(text: &str, separator: Option<&str>, limit: Option<i64>) -> Result<Value, Error> {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return split(text, separator, None);
    };
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
        Some(separator) => {
            parts.extend(text.rsplitn(limit.saturating_add(1), not_empty(separator)?));
        }
    }
    Ok(parts.into_iter().rev().collect())
}

/// `str.splitlines`: at everything that Python takes for the end of a line.
pub(super) fn lines(text: &str, keep_ends: bool) -> Vec<&str> {
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

fn tuple(parts: [&str; 3]) -> Value {
    Value::from(Tuple::from(parts.map(Value::from)))
}

fn not_empty(separator: &str) -> Result<&str, Error> {
    if separator.is_empty() { Err(failed("empty separator")) } else { Ok(separator) }
}

/// `ljust`, `rjust`, `center` and `zfill`.
fn padded(state: &State<'_, '_>, text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (width, fill): (i64, Option<&str>) = from_args(args)?;
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(text.chars().count());
    // Paid for before it exists; without a budget templates could ask for any amount.
    state.consume_fuel(missing as u64 / 16)?;
    let mut fill = fill.unwrap_or(" ").chars();
    let (Some(fill), None) = (fill.next(), fill.next()) else {
        return Err(failed("the fill must be one character"));
    };
    let pad = |count: usize| String::from(fill).repeat(count);
    Ok(match method {
        "ljust" => format!("{text}{}", pad(missing)),
        "rjust" => format!("{}{text}", pad(missing)),
        "center" => {
            // Python puts the odd one to the left where the width is odd.
            let left = missing / 2 + (missing & usize::try_from(width).unwrap_or(0) & 1);
            format!("{}{text}{}", pad(left), pad(missing - left))
        }
        _ => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
    }
    .into())
}

fn failed(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
