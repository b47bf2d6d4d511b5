//! Filters of texts.

use std::fmt::Write as _;

use minijinja::{Error, State, Value};

use super::super::arguments::{Arguments, required};
use super::super::python::{
    self, Dict, Kind, as_int, as_text, capitalize, centred, escaped, failed, is_space, is_word, iterate,
    lines, markup, printf, replace, repr, strip, text, tuple,
};
use super::Native;

pub(super) const FILTERS: &[(&str, Native)] = &[
    ("capitalize", |_, arguments| of_soft_text(arguments, capitalize)),
    ("center", center),
    ("e", escape),
    ("escape", escape),
    ("forceescape", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        Ok(Value::from_safe_string(escaped(&text(&required(value)?)?)))
    }),
    ("format", format),
    ("indent", indent),
    ("lower", |_, arguments| of_soft_text(arguments, |text| Ok(text.to_lowercase()))),
    ("pprint", pprint),
    ("replace", replaced),
    ("safe", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        Ok(Value::from_safe_string(text(&required(value)?)?))
    }),
    ("string", string),
    ("title", |_, arguments| {
        let [value] = arguments.bind(["s"])?;
        Ok(Value::from(title(&text(&required(value)?)?)))
    }),
    ("trim", trim),
    ("truncate", truncate),
    ("upper", |_, arguments| of_soft_text(arguments, |text| Ok(text.to_uppercase()))),
    ("urlencode", url_encode),
    ("wordcount", word_count),
    ("xmlattr", xml_attributes),
];

/// What a filter makes of `str(s)`. `Markup` stays that.
fn of_soft_text(arguments: Arguments, of: impl Fn(&str) -> Result<String, Error>) -> Result<Value, Error> {
    let [value] = arguments.bind(["s"])?;
    let value = required(value)?;
    let changed = of(&text(&value)?)?;
    Ok(if value.is_safe() { Value::from_safe_string(changed) } else { Value::from(changed) })
}

fn string(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["s"])?;
    let value = required(value)?;
    Ok(if value.as_str().is_some() { value } else { Value::from(text(&value)?) })
}

/// Whether an argument that is optional is given and true.
fn flag(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.is_true())
}

fn center(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, width] = arguments.bind(["value", "width"])?;
    let value = required(value)?;
    let width = width.as_ref().map_or(Ok(80), as_int)?;
    let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
    let value = if value.as_str().is_some() { value } else { Value::from(text(&value)?) };
    centred(state, as_text(&value)?, width, ' ').map(Value::from)
}

fn trim(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, characters] = arguments.bind(["value", "chars"])?;
    let value = required(value)?;
    let characters = characters.filter(|characters| !characters.is_none());
    let characters = characters.as_ref().map(as_text).transpose()?;
    let content = text(&value)?;
    let trimmed = strip(&content, characters).to_owned();
    Ok(if value.is_safe() { Value::from_safe_string(trimmed) } else { Value::from(trimmed) })
}

fn replaced(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, old, new, count] = arguments.bind(["s", "old", "new", "count"])?;
    let (value, old, new) = (required(value)?, required(old)?, required(new)?);
    let count = count.filter(|count| !count.is_none());
    let count = count.as_ref().map_or(Ok(-1), as_int)?;
    replace(state, &text(&value)?, [&text(&old)?, &text(&new)?], count).map(Value::from)
}

fn format(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let Arguments { mut positional, named } = arguments;
    if positional.is_empty() {
        return Err(failed("format needs a text"));
    }
    let template = positional.remove(0);
    if !positional.is_empty() && !named.is_empty() {
        return Err(failed("can't handle positional and keyword arguments at the same time"));
    }
    let template = if template.as_str().is_some() { template } else { Value::from(text(&template)?) };
    let values = if named.is_empty() {
        tuple(positional)
    } else {
        Dict::from_pairs(named.into_iter().map(|(name, value)| (Value::from(name), value)))
    };
    printf(state, as_text(&template)?, &values)
}

/// `Markup` is escaped already.
fn escape(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.unnamed()?;
    let value = required(value)?;
    if value.is_safe() {
        return Ok(value);
    }
    Ok(Value::from_safe_string(escaped(&text(&value)?)))
}

/// `indent(width=4, first=false, blank=false)`.
fn indent(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, width, first, blank] = arguments.bind(["s", "width", "first", "blank"])?;
    let value = required(value)?;
    let content = as_text(&value)?;
    let content = format!("{content}\n");
    let found = lines(&content, false);
    let indentation = match width {
        Some(width) if width.as_str().is_some() => as_text(&width)?.to_owned(),
        width => {
            let width = width.as_ref().map_or(Ok(4), as_int)?;
            let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
            // Paid for before it exists.
            state.consume_fuel((found.len() as u64).saturating_mul(width as u64) / 16)?;
            " ".repeat(width)
        }
    };
    let (first, blank) = (flag(first), flag(blank));
    let mut out = if first { indentation.clone() } else { String::new() };
    for (at, line) in found.into_iter().enumerate() {
        if at > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indentation);
            }
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

/// What fits on a line; Python breaks longer ones by rules of its own.
fn pprint(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    const WIDTH: usize = 80;
    let [value] = arguments.bind(["value"])?;
    let shown = repr(&sorted(&required(value)?, 0)?)?;
    if shown.chars().count() > WIDTH {
        return Err(failed("`pprint` of what does not fit on a line of 80"));
    }
    Ok(Value::from(shown))
}

/// With the keys of dictionaries in order.
fn sorted(value: &Value, depth: usize) -> Result<Value, Error> {
    if depth > python::MAX_DEPTH {
        return Err(failed("a value that is nested too deeply"));
    }
    let all =
        |items: &[Value]| items.iter().map(|item| sorted(item, depth + 1)).collect::<Result<Vec<_>, _>>();
    Ok(match Kind::of(value) {
        Kind::List(items) => python::list(all(items)?),
        Kind::Tuple(items) => tuple(all(items)?),
        Kind::Dict(dict) => {
            let mut pairs = Vec::with_capacity(dict.0.len());
            for (key, value) in &dict.0 {
                let name =
                    key.as_str().ok_or_else(|| failed("`pprint` of a dict whose keys are no texts"))?;
                pairs.push((name.to_owned(), sorted(value, depth + 1)?));
            }
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Dict::from_pairs(pairs.into_iter().map(|(key, value)| (Value::from(key), value)))
        }
        Kind::View(_) | Kind::Group(_) => return Err(failed("`pprint` of this value")),
        _ => value.clone(),
    })
}

/// The filter `title`, which takes other ends of words than `str.title`.
fn title(text: &str) -> String {
    let is_border = |c: char| matches!(c, '-' | '(' | '{' | '[' | '<') || is_space(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let border = rest.find(|c| !is_border(c)).unwrap_or(rest.len());
        let (borders, after) = rest.split_at(border);
        out.push_str(borders);
        let end = after.find(is_border).unwrap_or(after.len());
        let (word, after) = after.split_at(end);
        let mut letters = word.chars();
        out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        out.push_str(&letters.as_str().to_lowercase());
        rest = after;
    }
    out
}

fn truncate(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, length, kill_words, end, leeway] =
        arguments.bind(["s", "length", "killwords", "end", "leeway"])?;
    let value = required(value)?;
    let content = as_text(&value)?;
    let length = length.as_ref().map_or(Ok(255), as_int)?;
    let leeway = leeway.filter(|leeway| !leeway.is_none());
    let leeway = leeway.as_ref().map_or(Ok(5), as_int)?;
    let end = end.unwrap_or_else(|| Value::from("..."));
    let end = as_text(&end)?;
    let kept = length - end.chars().count() as i128;
    if kept < 0 || leeway < 0 {
        return Err(failed("truncate needs room for its end, and a leeway that is not negative"));
    }
    if content.chars().count() as i128 <= length + leeway {
        return Ok(value.clone());
    }
    let cut: String = content.chars().take(kept as usize).collect();
    let cut =
        if flag(kill_words) { &cut } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(before, _)| before) };
    Ok(Value::from(format!("{cut}{end}")))
}

fn word_count(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["s"])?;
    let content = text(&required(value)?)?;
    let words = content.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).count();
    Ok(Value::from(words))
}

fn url_encode(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.bind(["value"])?;
    let value = required(value)?;
    let pairs = match Kind::of(&value) {
        Kind::List(_) | Kind::Tuple(_) | Kind::View(_) | Kind::Generator(_) => iterate(&value)?,
        Kind::Dict(dict) => {
            dict.0.iter().map(|(key, value)| tuple(vec![key.clone(), value.clone()])).collect()
        }
        Kind::Undefined | Kind::Group(_) | Kind::Range(_) | Kind::Other => {
            return Err(failed("`urlencode` of this value"));
        }
        _ => return Ok(Value::from(quoted(&text(&value)?, true))),
    };
    let mut parts = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let [key, value] = <[Value; 2]>::try_from(iterate(&pair)?)
            .map_err(|_| failed("`urlencode` needs pairs of name and value"))?;
        let quoted = |value: &Value| text(value).map(|text| quoted(&text, false).replace("%20", "+"));
        parts.push(format!("{}={}", quoted(&key)?, quoted(&value)?));
    }
    Ok(Value::from(parts.join("&")))
}

/// `urllib.parse.quote`.
fn quoted(text: &str, with_slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || with_slashes && byte == b'/' {
            out.push(char::from(byte));
        } else {
            // A String takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn xml_attributes(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, space] = arguments.bind(["d", "autospace"])?;
    let value = required(value)?;
    let Kind::Dict(dict) = Kind::of(&value) else { return Err(failed("`xmlattr` needs a dict")) };
    let mut parts = Vec::new();
    for (key, value) in &dict.0 {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let key = as_text(key)?;
        if key.contains([' ', '\t', '\n', '\r', '\x0b', '\x0c', '/', '>', '=']) {
            return Err(failed(format!("invalid character in attribute name: {key:?}")));
        }
        if value.is_safe() {
            return Err(markup());
        }
        parts.push(format!("{}=\"{}\"", escaped(key), escaped(&text(value)?)));
    }
    let joined = parts.join(" ");
    let space = space.is_none_or(|space| space.is_true()) && !joined.is_empty();
    Ok(Value::from(if space { format!(" {joined}") } else { joined }))
}
