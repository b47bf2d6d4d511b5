//! `str.format`.

use minijinja::{Error, State, Value};

use super::printf::digits;
use super::spec::{Align, Spec};
use super::{Kind, Number, failed, item, repr, text};
use crate::hf::chat_template::arguments::Arguments;

/// `template.format(*arguments)`.
pub(super) fn format(state: &State<'_, '_>, template: &str, arguments: &Arguments) -> Result<String, Error> {
    let mut fields = Fields { arguments, automatic: None };
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        if after.starts_with(brace) {
            out.push_str(brace);
            rest = &after[1..];
            continue;
        }
        let end = after.find(['{', '}']).filter(|&end| brace == "{" && after[end..].starts_with('}'));
        let end = end.ok_or_else(|| failed("a brace in a format that stands alone or in another"))?;
        out.push_str(&fields.write(state, &after[..end])?);
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// What fields refer to.
struct Fields<'a> {
    arguments: &'a Arguments,
    /// The next number, or whether numbers are written.
    automatic: Option<Numbering>,
}

enum Numbering {
    Automatic(usize),
    Written,
}

impl Fields<'_> {
    /// `name!r:spec`.
    fn write(&mut self, state: &State<'_, '_>, field: &str) -> Result<String, Error> {
        let (field, spec) = field.split_once(':').unwrap_or((field, ""));
        let (name, conversion) = match field.split_once('!') {
            Some((name, conversion)) => (name, Some(conversion)),
            None => (field, None),
        };
        let value = self.value(name)?;
        let spec = parse(spec)?;
        match conversion {
            Some("s") => spec.for_text()?.text(state, &text(&value)?),
            Some("r") => spec.for_text()?.text(state, &repr(&value)?),
            Some(other) => Err(failed(format!("the conversion `!{other}` of a format"))),
            None => write(state, &spec, &value),
        }
    }

    fn value(&mut self, name: &str) -> Result<Value, Error> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, path) = name.split_at(end);
        let number = match first {
            "" => Some(match self.automatic.get_or_insert(Numbering::Automatic(0)) {
                Numbering::Automatic(next) => {
                    *next += 1;
                    *next - 1
                }
                Numbering::Written => return Err(failed("numbers of fields that are partly written")),
            }),
            _ if first.bytes().all(|b| b.is_ascii_digit()) => {
                match self.automatic.get_or_insert(Numbering::Written) {
                    Numbering::Automatic(_) => {
                        return Err(failed("numbers of fields that are partly written"));
                    }
                    Numbering::Written => first.parse().ok(),
                }
            }
            _ => None,
        };
        let value = if let Some(number) = number {
            self.arguments.positional.get(number).cloned()
        } else {
            let found = self.arguments.named.iter().find(|(known, _)| known == first);
            found.map(|(_, value)| value.clone())
        };
        let mut value = value.ok_or_else(|| failed(format!("a format lacks a value for {first:?}")))?;
        let mut rest = path;
        while !rest.is_empty() {
            let Some((key, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) else {
                return Err(failed("an attribute in a format"));
            };
            let key = key.parse::<i64>().map_or_else(|_| Value::from(key), Value::from);
            value = item(&value, &key)?;
            rest = after;
        }
        Ok(value)
    }
}

fn write(state: &State<'_, '_>, spec: &Parsed, value: &Value) -> Result<String, Error> {
    match (Kind::of(value), Number::of(value)) {
        (Kind::Text(_), _) if value.is_safe() => Err(super::markup()),
        (Kind::Text(content), _) => spec.for_text()?.text(state, content),
        _ if spec.is_empty => text(value),
        (Kind::Bool(_), _) if spec.spec.kind.is_none() => Err(failed("a width for a bool")),
        (_, Some(_)) if spec.for_text => Err(failed("the format of a text for a number")),
        (_, Some(number)) => spec.spec.number(state, number),
        (kind, None) => Err(failed(format!("a format for '{}'", kind.name()))),
    }
}

/// A specification, and what of it was written.
struct Parsed {
    spec: Spec,
    is_empty: bool,
    for_numbers: bool,
    /// Whether it ends in `s`.
    for_text: bool,
}

impl Parsed {
    /// What a text can be given.
    fn for_text(&self) -> Result<Spec, Error> {
        if self.for_numbers { Err(failed("the format of a number for a text")) } else { Ok(self.spec) }
    }
}

/// `[[fill]align][sign][#][0][width][group][.precision][letter]`.
fn parse(text: &str) -> Result<Parsed, Error> {
    let mut spec = Spec::PLAIN;
    let mut rest = text;
    let align = |c: Option<char>| match c {
        Some('<') => Some(Align::Left),
        Some('>') => Some(Align::Right),
        Some('^') => Some(Align::Centre),
        Some('=') => Some(Align::Inside),
        _ => None,
    };
    let mut letters = rest.chars();
    let (first, second) = (letters.next(), letters.next());
    if let (Some(fill), Some(found)) = (first, align(second)) {
        (spec.fill, spec.align) = (fill, Some(found));
        rest = letters.as_str();
    } else if let Some(found) = align(first) {
        spec.align = Some(found);
        rest = &rest[1..];
    }
    let mut for_numbers = spec.align == Some(Align::Inside);
    if let Some(sign) = rest.chars().next().filter(|c| matches!(c, '+' | '-' | ' ')) {
        (spec.sign, for_numbers) = (sign, true);
        rest = &rest[1..];
    }
    if let Some(after) = rest.strip_prefix('#') {
        (spec.alternate, for_numbers) = (true, true);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('0') {
        if spec.align.is_none() {
            (spec.fill, spec.align, for_numbers) = ('0', Some(Align::Inside), true);
        } else {
            return Err(failed("a zero before the width beside an alignment"));
        }
        rest = after;
    }
    spec.width = digits(&mut rest)?.unwrap_or(0);
    if let Some(group) = rest.chars().next().filter(|c| matches!(c, ',' | '_')) {
        (spec.group, for_numbers) = (Some(group), true);
        rest = &rest[1..];
    }
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        let precision = digits(&mut rest)?;
        spec.precision = Some(precision.ok_or_else(|| failed("a format without its precision"))?);
    }
    let mut letters = rest.chars();
    match (letters.next(), letters.next()) {
        (None, _) | (Some('s'), None) => {}
        (Some(kind), None) if "bdeEfFgGoxX%".contains(kind) => {
            (spec.kind, for_numbers) = (Some(kind), true);
        }
        _ => return Err(failed(format!("the format {text:?}"))),
    }
    if rest == "s" && for_numbers {
        return Err(failed("the format of a number for a text"));
    }
    Ok(Parsed { spec, is_empty: text.is_empty(), for_numbers, for_text: rest == "s" })
}
