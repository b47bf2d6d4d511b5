//! Methods of `str`, `list`, `tuple`, `dict` and `range`.

use minijinja::{Error, State, Value};

use super::containers::Part;
use super::operators::has_key;
use super::spec::{Align, Spec};
use super::{
    Kind, View, as_int, as_text, capitalize, equal, failed, int, iterate, lines, list, markup, strip, tuple,
};
use super::{format, text};
use crate::hf::chat_template::arguments::{Arguments, required};

/// `value.method(*arguments)`.
pub(in super::super) fn call_method(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: Arguments,
) -> Result<Value, Error> {
    let kind = Kind::of(value);
    let result = match kind {
        Kind::Text(text) => {
            let arguments_are_plain = !arguments.positional.iter().any(Value::is_safe);
            if value.is_safe() || !arguments_are_plain {
                return Err(markup());
            }
            of_text(state, text, method, arguments)?
        }
        Kind::List(items) if method == "copy" => {
            let [] = arguments.unnamed()?;
            Some(list(items.to_vec()))
        }
        Kind::List(items) | Kind::Tuple(items) => of_items(items, method, arguments)?,
        Kind::Dict(dict) => of_dict(dict, method, arguments)?,
        Kind::Range(range) => {
            if arguments.positional.len() > 1 {
                return Err(failed("a search in a part of a range"));
            }
            let items: Vec<Value> = range.iter().map(int).collect();
            of_items(&items, method, arguments)?
        }
        Kind::Other => return value.call_method(state, method, &arguments.into_values()),
        _ => None,
    };
    result.ok_or_else(|| failed(format!("the method `{method}` of '{}'", kind.name())))
}

fn of_items(items: &[Value], method: &str, arguments: Arguments) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "count" => {
            let wanted = required(arguments.unnamed::<1>()?.into_iter().next().flatten())?;
            let mut count = 0;
            for item in items {
                count += i128::from(equal(item, &wanted)?);
            }
            int(count)
        }
        "index" => {
            let [wanted, start, stop] = arguments.unnamed()?;
            let wanted = required(wanted)?;
            let (from, to) = bounds(items.len(), start.as_ref(), stop.as_ref())?;
            let mut found = None;
            for (at, item) in items.iter().enumerate().take(to).skip(from) {
                if equal(item, &wanted)? {
                    found = Some(int(at as i128));
                    break;
                }
            }
            found.ok_or_else(|| failed("no such item"))?
        }
        _ => return Ok(None),
    }))
}

fn of_dict(dict: &super::Dict, method: &str, arguments: Arguments) -> Result<Option<Value>, Error> {
    let view = |arguments: Arguments, part: Part| -> Result<Value, Error> {
        let [] = arguments.unnamed()?;
        Ok(Value::from_object(View { dict: dict.clone(), part }))
    };
    Ok(Some(match method {
        "get" => {
            let [key, default] = arguments.unnamed()?;
            let key = required(key)?;
            let found = if has_key(dict, &key)? { dict.0.get(&key).cloned() } else { None };
            found.or(default).unwrap_or_else(|| Value::from(()))
        }
        "keys" => view(arguments, Part::Keys)?,
        "values" => view(arguments, Part::Values)?,
        "items" => view(arguments, Part::Items)?,
        "copy" => {
            let [] = arguments.unnamed()?;
            Value::from_object(dict.clone())
        }
        _ => return Ok(None),
    }))
}

fn of_text(
    state: &State<'_, '_>,
    text: &str,
    method: &str,
    arguments: Arguments,
) -> Result<Option<Value>, Error> {
    if method == "format" {
        return format::format(state, text, &arguments).map(|text| Some(Value::from(text)));
    }
    if let Some(changed) = without_arguments(text, method)? {
        let [] = arguments.unnamed()?;
        return Ok(Some(changed));
    }
    Ok(Some(match method {
        "strip" | "lstrip" | "rstrip" => {
            let [characters] = arguments.unnamed()?;
            let characters = optional_text(characters.as_ref())?;
            match method {
                "strip" => strip(text, characters),
                "lstrip" => text::strip_start(text, characters),
                _ => text::strip_end(text, characters),
            }
            .into()
        }
        "split" | "rsplit" => {
            let [separator, limit] = arguments.bind(["sep", "maxsplit"])?;
            let limit = limit.as_ref().map_or(Ok(-1), as_int)?;
            let limit = usize::try_from(limit).ok();
            let separator = optional_text(separator.as_ref())?;
            let split = if method == "split" { text::split } else { text::split_from_end };
            list(split(text, separator, limit)?.into_iter().map(Value::from).collect())
        }
        "splitlines" => {
            let [keep] = arguments.bind(["keepends"])?;
            let keep = keep.as_ref().map_or(Ok(0), as_int)? != 0;
            list(lines(text, keep).into_iter().map(Value::from).collect())
        }
        "partition" | "rpartition" => {
            let separator = one(arguments)?;
            let separator = text::not_empty(as_text(&separator)?)?;
            let parts = if method == "partition" {
                text.split_once(separator).map_or([text, "", ""], |(a, b)| [a, separator, b])
            } else {
                text.rsplit_once(separator).map_or(["", "", text], |(a, b)| [a, separator, b])
            };
            tuple(parts.map(Value::from).into())
        }
        "removeprefix" => {
            let prefix = one(arguments)?;
            text.strip_prefix(as_text(&prefix)?).unwrap_or(text).into()
        }
        "removesuffix" => {
            let suffix = one(arguments)?;
            text.strip_suffix(as_text(&suffix)?).unwrap_or(text).into()
        }
        "replace" => replaced(state, text, arguments)?,
        "join" => joined(state, text, &one(arguments)?)?,
        "find" | "rfind" | "index" | "rindex" | "count" => found(text, method, arguments)?,
        "startswith" | "endswith" => begins_or_ends(text, method, arguments)?,
        "ljust" | "rjust" | "center" | "zfill" => padded(state, text, method, arguments)?,
        "expandtabs" => {
            let [size] = arguments.bind(["tabsize"])?;
            let size = size.as_ref().map_or(Ok(8), as_int)?;
            let size = usize::try_from(size.max(0)).unwrap_or(usize::MAX);
            state.consume_fuel((text.matches('\t').count() as u64).saturating_mul(size as u64) / 16)?;
            text::expand_tabs(text, size).into()
        }
        _ => return Ok(None),
    }))
}

fn without_arguments(text: &str, method: &str) -> Result<Option<Value>, Error> {
    if let Some(answer) = text::is(text, method)? {
        return Ok(Some(answer.into()));
    }
    Ok(Some(match method {
        "upper" => text.to_uppercase().into(),
        "lower" => text.to_lowercase().into(),
        "capitalize" => capitalize(text)?.into(),
        "title" => text::titled(text)?.into(),
        "swapcase" => text::swap_case(text)?.into(),
        "casefold" => text::case_fold(text)?.into(),
        _ => return Ok(None),
    }))
}

/// The only argument.
fn one(arguments: Arguments) -> Result<Value, Error> {
    let [only] = arguments.unnamed()?;
    required(only)
}

/// A text; `None` and what is not given are none.
fn optional_text(value: Option<&Value>) -> Result<Option<&str>, Error> {
    value.filter(|value| !value.is_none()).map(as_text).transpose()
}

fn replaced(state: &State<'_, '_>, text: &str, arguments: Arguments) -> Result<Value, Error> {
    // Python 3.13 takes `count` by name, too; earlier ones do not.
    let [old, new, count] = arguments.unnamed()?;
    let (old, new) = (required(old)?, required(new)?);
    let count = count.as_ref().map_or(Ok(-1), as_int)?;
    replace(state, text, [as_text(&old)?, as_text(&new)?], count).map(Value::from)
}

/// `str.replace`: all where `count` is negative.
pub(in super::super) fn replace(
    state: &State<'_, '_>,
    text: &str,
    [old, new]: [&str; 2],
    count: i128,
) -> Result<String, Error> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    // Paid for before it exists.
    let times = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    state.consume_fuel((times.min(limit) as u64).saturating_mul(new.len() as u64) / 64)?;
    Ok(text.replacen(old, new, limit))
}

fn joined(state: &State<'_, '_>, separator: &str, items: &Value) -> Result<Value, Error> {
    let items = iterate(items)?;
    let mut parts = Vec::with_capacity(items.len());
    for item in &items {
        parts.push(as_text(item)?);
    }
    let length: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
    state.consume_fuel(length as u64 / 64)?;
    Ok(Value::from(parts.join(separator)))
}

/// The positions that `start` and `stop` of a search mean.
fn bounds(length: usize, start: Option<&Value>, stop: Option<&Value>) -> Result<(usize, usize), Error> {
    let bound = |value: Option<&Value>, default: usize| match value.filter(|value| !value.is_none()) {
        None => Ok(default),
        Some(value) => {
            let at = as_int(value)?;
            let at = if at < 0 { (at + length as i128).max(0) } else { at };
            Ok::<_, Error>(usize::try_from(at).unwrap_or(usize::MAX))
        }
    };
    Ok((bound(start, 0)?, bound(stop, length)?.min(length)))
}

/// The part of `text` that a search is in, and where it begins; `None` where it begins behind the end.
fn searched<'a>(
    text: &'a str,
    start: Option<&Value>,
    stop: Option<&Value>,
) -> Result<Option<(usize, &'a str)>, Error> {
    if start.is_none() && stop.is_none() {
        return Ok(Some((0, text)));
    }
    let length = text.chars().count();
    let (from, to) = bounds(length, start, stop)?;
    if from > to {
        return Ok(None);
    }
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    Ok(Some((from, &text[byte(from)..byte(to)])))
}

fn found(text: &str, method: &str, arguments: Arguments) -> Result<Value, Error> {
    let [wanted, start, stop] = arguments.unnamed()?;
    let wanted = required(wanted)?;
    let wanted = as_text(&wanted)?;
    let part = searched(text, start.as_ref(), stop.as_ref())?;
    if method == "count" {
        let count = part.map_or(0, |(_, part)| {
            if wanted.is_empty() { part.chars().count() + 1 } else { part.matches(wanted).count() }
        });
        return Ok(int(count as i128));
    }
    let at = part.and_then(|(from, part)| {
        let at = if method.starts_with('r') { part.rfind(wanted) } else { part.find(wanted) };
        at.map(|at| from + part[..at].chars().count())
    });
    match (at, method) {
        (Some(at), _) => Ok(int(at as i128)),
        (None, "find" | "rfind") => Ok(int(-1)),
        (None, _) => Err(failed("substring not found")),
    }
}

fn begins_or_ends(text: &str, method: &str, arguments: Arguments) -> Result<Value, Error> {
    let [wanted, start, stop] = arguments.unnamed()?;
    let wanted = required(wanted)?;
    let options = match Kind::of(&wanted) {
        Kind::Tuple(options) => options,
        _ => std::slice::from_ref(&wanted),
    };
    let part = searched(text, start.as_ref(), stop.as_ref())?;
    let mut any = false;
    for option in options {
        let option = as_text(option)?;
        any |= part.is_some_and(|(_, part)| {
            if method == "startswith" { part.starts_with(option) } else { part.ends_with(option) }
        });
    }
    Ok(any.into())
}

fn padded(state: &State<'_, '_>, text: &str, method: &str, arguments: Arguments) -> Result<Value, Error> {
    let [width, fill] = if method == "zfill" {
        let [width] = arguments.unnamed()?;
        [width, None]
    } else {
        arguments.unnamed()?
    };
    let width = usize::try_from(as_int(&required(width)?)?.max(0)).unwrap_or(usize::MAX);
    let fill = fill.as_ref().map_or(Ok(" "), as_text)?;
    let mut letters = fill.chars();
    let (Some(fill), None) = (letters.next(), letters.next()) else {
        return Err(failed("the fill must be one character"));
    };
    let spec = |align: Align| Spec { fill, width, align: Some(align), ..Spec::PLAIN };
    match method {
        "ljust" => spec(Align::Left).text(state, text),
        "rjust" => spec(Align::Right).text(state, text),
        "center" => centred(state, text, width, fill),
        _ => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            let width = width.saturating_sub(sign.len());
            let padded = Spec { fill: '0', width, align: Some(Align::Right), ..Spec::PLAIN };
            padded.text(state, digits).map(|digits| format!("{sign}{digits}"))
        }
    }
    .map(Value::from)
}

/// `str.center`, which puts the odd one to the left where the width is odd.
pub(in super::super) fn centred(
    state: &State<'_, '_>,
    text: &str,
    width: usize,
    fill: char,
) -> Result<String, Error> {
    let missing = width.saturating_sub(text.chars().count());
    let right = missing - (missing / 2 + (missing & width & 1));
    let spec = |align: Align, width: usize| Spec { fill, width, align: Some(align), ..Spec::PLAIN };
    let left = spec(Align::Right, width - right.min(width)).text(state, text)?;
    spec(Align::Left, width).text(state, &left)
}
