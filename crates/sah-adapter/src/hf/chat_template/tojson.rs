//! `tojson` as transformers defines it: Python's `json.dumps` with `ensure_ascii=False` unless the template says
//! otherwise.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::python::float_repr;

/// Deepest nesting that is written. Python gives up at about 1000.
const MAX_DEPTH: usize = 200;
/// Widest indentation of one level.
const MAX_INDENT: usize = 64;

/// The value as JSON. Arguments are those of `json.dumps` that transformers passes on.
#[expect(clippy::needless_pass_by_value, reason = "the form that filters have")]
pub(super) fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    ensure_ascii: Option<bool>,
    arguments: Kwargs,
) -> Result<String, Error> {
    let ensure_ascii = match ensure_ascii {
        None => arguments.get::<Option<bool>>("ensure_ascii")?,
        given => given,
    };
    let indent = indent(&arguments.get::<Option<Value>>("indent")?.unwrap_or_default())?;
    let (between, after_key) = match arguments.get::<Option<Vec<String>>>("separators")? {
        // A line ends in the separator, so Python leaves out the space.
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
        Some(pair) => <[String; 2]>::try_from(pair)
            .map(|[between, after_key]| (between, after_key))
            .map_err(|_| failed("separators must be two texts"))?,
    };
    let writer = Writer {
        state,
        ensure_ascii: ensure_ascii == Some(true),
        sort_keys: arguments.get::<Option<bool>>("sort_keys")? == Some(true),
        indent,
        between,
        after_key,
    };
    arguments.assert_all_used()?;
    let mut text = String::new();
    writer.write(value, 0, &mut text)?;
    Ok(text)
}

/// What a level is indented by; `None` for everything on one line.
fn indent(value: &Value) -> Result<Option<String>, Error> {
    let indent = match value.kind() {
        ValueKind::None | ValueKind::Undefined => return Ok(None),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        _ => {
            let width = i64::try_from(value.clone())?;
            // Negative widths are 0, as in Python.
            " ".repeat(usize::try_from(width).unwrap_or(0).min(MAX_INDENT + 1))
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
        match value.kind() {
            ValueKind::String => self.quote(value.as_str().unwrap_or_default(), text),
            ValueKind::None | ValueKind::Bool | ValueKind::Number => text.push_str(&scalar(value)?),
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.map(|item| (None, item)).collect();
                self.write_items(['[', ']'], items, depth, text)?;
            }
            ValueKind::Map => {
                let pair = |key: Value| {
                    let name = match key.as_str() {
                        Some(name) => name.to_owned(),
                        None => scalar(&key)?,
                    };
                    Ok((Some(name), value.get_item(&key)?))
                };
                let mut items = value.try_iter()?.map(pair).collect::<Result<Vec<_>, Error>>()?;
                if self.sort_keys {
                    items.sort_by(|a, b| a.0.cmp(&b.0));
                }
                self.write_items(['{', '}'], items, depth, text)?;
            }
            kind => {
                let message = format!("a value of kind {kind} has no JSON form");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        Ok(())
    }

    fn write_items(
        &self,
        [open, close]: [char; 2],
        items: Vec<(Option<String>, Value)>,
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
        let empty = items.is_empty();
        for (i, (key, value)) in items.into_iter().enumerate() {
            if i > 0 {
                text.push_str(&self.between);
            }
            new_line(depth + 1, text);
            if let Some(key) = key {
                self.quote(&key, text);
                text.push_str(&self.after_key);
            }
            self.write(&value, depth + 1, text)?;
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

/// A value that is neither text nor a collection.
fn scalar(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number if value.is_integer() => Ok(value.to_string()),
        ValueKind::Number => Ok(match f64::try_from(value.clone())? {
            number if number.is_nan() => "NaN".to_owned(),
            number if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            number => float_repr(number),
        }),
        kind => Err(Error::new(ErrorKind::InvalidOperation, format!("a {kind} is no key of a JSON object"))),
    }
}

fn failed(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
