//! `tojson` as transformers defines it: Python's `json.dumps` with `ensure_ascii=False` unless the template says
//! otherwise.

use std::cmp::Ordering;

use minijinja::{Error, State, Value};

use super::arguments::{Arguments, required};
use super::python::{Kind, MAX_DEPTH, as_int, compare, failed, float_repr};

/// Widest indentation of one level.
const MAX_INDENT: usize = 64;

/// The value as JSON. Arguments are those of `json.dumps` that transformers passes on.
pub(super) fn tojson(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let names = ["x", "ensure_ascii", "indent", "separators", "sort_keys"];
    let [value, ensure_ascii, width, separators, sort_keys] = arguments.bind(names)?;
    let flag = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let indent = width.as_ref().map_or(Ok(None), indent)?;
    let (between, after_key) = match separators.filter(|separators| !separators.is_none()) {
        // A line ends in the separator, so Python leaves out the space.
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
        Some(pair) => separators_of(&pair).ok_or_else(|| failed("separators must be two texts"))?,
    };
    let writer = Writer {
        state,
        ensure_ascii: flag(ensure_ascii),
        sort_keys: flag(sort_keys),
        indent,
        between,
        after_key,
    };
    let mut text = String::new();
    writer.write(&required(value)?, 0, &mut text)?;
    Ok(Value::from(text))
}

fn separators_of(pair: &Value) -> Option<(String, String)> {
    match Kind::of(pair) {
        Kind::List([between, after_key]) | Kind::Tuple([between, after_key]) => {
            Some((between.as_str()?.to_owned(), after_key.as_str()?.to_owned()))
        }
        _ => None,
    }
}

/// What a level is indented by; `None` for everything on one line.
fn indent(value: &Value) -> Result<Option<String>, Error> {
    let indent = match Kind::of(value) {
        Kind::None => return Ok(None),
        Kind::Text(text) => text.to_owned(),
        _ => {
            // Negative widths are 0, as in Python.
            let width = usize::try_from(as_int(value)?.max(0)).unwrap_or(usize::MAX);
            " ".repeat(width.min(MAX_INDENT + 1))
        }
    };
    if indent.len() > MAX_INDENT {
        return Err(failed("an indentation of more than 64 characters"));
    }
    Ok(Some(indent))
}

struct Writer<'a, 'b, 'c> {
    state: &'a State<'b, 'c>,
    ensure_ascii: bool,
    sort_keys: bool,
    indent: Option<String>,
    between: String,
    after_key: String,
}

impl Writer<'_, '_, '_> {
    fn write(&self, value: &Value, depth: usize, text: &mut String) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(failed("a value that is nested too deeply"));
        }
        self.state.consume_fuel(1)?;
        match Kind::of(value) {
            Kind::Text(content) => self.quote(content, text),
            Kind::None | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => text.push_str(&scalar(value)?),
            Kind::List(items) | Kind::Tuple(items) => {
                self.write_items(['[', ']'], items.iter().map(|item| (None, item)), depth, text)?;
            }
            Kind::Group(group) => {
                self.write_items(['[', ']'], group.items().iter().map(|item| (None, item)), depth, text)?;
            }
            Kind::Dict(dict) => {
                let mut items: Vec<(&Value, &Value)> = dict.0.iter().collect();
                if self.sort_keys {
                    sort(&mut items)?;
                }
                let mut named = Vec::with_capacity(items.len());
                for (key, value) in items {
                    let name = key.as_str().map_or_else(|| scalar(key), |name| Ok(name.to_owned()))?;
                    named.push((Some(name), value));
                }
                self.write_items(['{', '}'], named.into_iter(), depth, text)?;
            }
            kind => return Err(failed(format!("a value of type '{}' has no JSON form", kind.name()))),
        }
        Ok(())
    }

    fn write_items<'v>(
        &self,
        [open, close]: [char; 2],
        items: impl ExactSizeIterator<Item = (Option<String>, &'v Value)>,
        depth: usize,
        text: &mut String,
    ) -> Result<(), Error> {
        let new_line = |depth: usize, text: &mut String| {
            if let Some(indent) = &self.indent {
                text.push('\n');
                text.extend(std::iter::repeat_n(indent.as_str(), depth));
            }
        };
        text.push(open);
        let empty = items.len() == 0;
        for (i, (key, value)) in items.enumerate() {
            if i > 0 {
                text.push_str(&self.between);
            }
            new_line(depth + 1, text);
            if let Some(key) = key {
                self.quote(&key, text);
                text.push_str(&self.after_key);
            }
            self.write(value, depth + 1, text)?;
        }
        if !empty {
            new_line(depth, text);
        }
        text.push(close);
        Ok(())
    }

    fn quote(&self, content: &str, text: &mut String) {
        // serde_json escapes what Python escapes with ensure_ascii=False, in the same way.
        let quoted = serde_json::Value::from(content).to_string();
        if !self.ensure_ascii {
            text.push_str(&quoted);
            return;
        }
        for c in quoted.chars() {
            if matches!(c, ' '..='~') {
                text.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.extend([format!("\\u{unit:04x}")]);
                }
            }
        }
    }
}

/// By keys, as Python compares them.
fn sort(items: &mut [(&Value, &Value)]) -> Result<(), Error> {
    let mut problem = None;
    items.sort_by(|(a, _), (b, _)| match compare(a, b) {
        Ok(ordering) => ordering.unwrap_or(Ordering::Equal),
        Err(error) => {
            problem.get_or_insert(error);
            Ordering::Equal
        }
    });
    problem.map_or(Ok(()), Err)
}

/// A value that is neither text nor a collection.
fn scalar(value: &Value) -> Result<String, Error> {
    match Kind::of(value) {
        Kind::None => Ok("null".to_owned()),
        Kind::Bool(value) => Ok(value.to_string()),
        Kind::Int(number) => Ok(number.to_string()),
        Kind::Float(number) if number.is_nan() => Ok("NaN".to_owned()),
        Kind::Float(number) if number.is_infinite() => {
            Ok(if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
        }
        Kind::Float(number) => Ok(float_repr(number)),
        kind => Err(failed(format!("'{}' is no key of a JSON object", kind.name()))),
    }
}
