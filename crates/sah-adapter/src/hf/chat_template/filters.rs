//! Filters and tests that Jinja defines otherwise than minijinja.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::python;
use super::tojson::tojson;

/// Adds them to `environment`.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("tojson", tojson);
    environment.add_filter("trim", |text: String, characters: Option<String>| {
        python::strip(&text, characters.as_deref()).to_owned()
    });
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("attr", attribute);
    environment.add_filter("round", round);
    environment.add_filter("indent", indent);
    environment.add_filter("e", escape);
    environment.add_filter("escape", escape);
    // Python breaks lines by rules of its own, so a template that asks for it is refused.
    environment.remove_filter("pprint");
}

/// `round(precision=0, method='common')`: halves to even, and a float where the method is `ceil` or `floor`.
#[expect(clippy::needless_pass_by_value, reason = "the form that filters have")]
fn round(value: &Value, precision: Option<i32>, method: Option<&str>, named: Kwargs) -> Result<Value, Error> {
    let precision = precision.map_or_else(|| named.get("precision"), |given| Ok(Some(given)))?.unwrap_or(0);
    let method = method.map_or_else(|| named.get("method"), |given| Ok(Some(given)))?.unwrap_or("common");
    named.assert_all_used()?;
    let number = match value.kind() {
        ValueKind::Number => f64::try_from(value.clone())?,
        kind => return Err(failed(format!("`round` of a value of kind {kind}"))),
    };
    if !(0..=15).contains(&precision) || number.abs() > 1e15 {
        return Err(failed("`round` to less than whole numbers, or of a large number".to_owned()));
    }
    let towards: fn(f64) -> f64 = match method {
        "common" if value.is_integer() => return Ok(value.clone()),
        "common" => {
            let text = format!("{number:.*}", precision as usize);
            return Ok(text.parse::<f64>().map_or_else(|_| value.clone(), Value::from));
        }
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        other => return Err(failed(format!("`round` has no method {other:?}"))),
    };
    let unit = 10_i64.pow(precision as u32) as f64;
    let whole = towards(number * unit);
    // Python makes an integer of it, which has no negative zero.
    Ok(Value::from((if whole == 0.0 { 0.0 } else { whole }) / unit))
}

/// `indent(width=4, first=false, blank=false)`.
#[expect(clippy::needless_pass_by_value, reason = "the form that filters have")]
fn indent(
    text: &str,
    width: Option<Value>,
    first: Option<bool>,
    blank: Option<bool>,
    named: Kwargs,
) -> Result<String, Error> {
    const WIDEST: usize = 256;
    let width = width.map_or_else(|| named.get::<Option<Value>>("width"), |given| Ok(Some(given)))?;
    let first = first.map_or_else(|| named.get("first"), |given| Ok(Some(given)))? == Some(true);
    let blank = blank.map_or_else(|| named.get("blank"), |given| Ok(Some(given)))? == Some(true);
    named.assert_all_used()?;
    let width = width.unwrap_or_else(|| Value::from(4));
    let indentation = match width.as_str() {
        Some(indentation) => indentation.to_owned(),
        None => {
            let width = usize::try_from(i64::try_from(width)?.max(0)).unwrap_or(usize::MAX);
            " ".repeat(width.min(WIDEST + 1))
        }
    };
    if indentation.len() > WIDEST {
        return Err(failed(format!("`indent` by more than {WIDEST} characters")));
    }
    let text = format!("{text}\n");
    let mut out = if first { indentation.clone() } else { String::new() };
    for (at, line) in python::lines(&text, false).into_iter().enumerate() {
        if at > 0 {
            out.push('\n');
            if blank || !line.is_empty() {
                out.push_str(&indentation);
            }
        }
        out.push_str(line);
    }
    Ok(out)
}

/// The text of a value, escaped as markupsafe does it. What was escaped is not escaped again.
fn escape(value: &Value) -> Value {
    if value.is_safe() {
        return value.clone();
    }
    let mut out = String::new();
    for c in python::shown(value).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    Value::from_safe_string(out)
}

/// Digits as Python reads them: an underscore may stand between two of them.
fn without_underscores(text: &str) -> Option<String> {
    let digit = |c: Option<&u8>| c.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let fits =
        |at: usize| bytes[at] != b'_' || at > 0 && digit(bytes.get(at - 1)) && digit(bytes.get(at + 1));
    (0..bytes.len()).all(fits).then(|| text.replace('_', ""))
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// `default(value, boolean=false)`: also for what is false where `boolean` is.
#[expect(clippy::needless_pass_by_value, reason = "the form that filters have")]
fn default(
    value: &Value,
    default: Option<Value>,
    boolean: Option<bool>,
    named: Kwargs,
) -> Result<Value, Error> {
    let default =
        default.map_or_else(|| named.get::<Option<Value>>("default_value"), |given| Ok(Some(given)))?;
    let boolean = boolean.map_or_else(|| named.get::<Option<bool>>("boolean"), |given| Ok(Some(given)))?;
    named.assert_all_used()?;
    let missing = value.is_undefined() || boolean == Some(true) && !value.is_true();
    Ok(if missing { default.unwrap_or_else(|| Value::from("")) } else { value.clone() })
}

/// `int(default=0)`: towards zero; the default for what is no number.
fn int(value: &Value, default: Option<Value>) -> Value {
    let number = match value.kind() {
        ValueKind::Bool => Some(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => return value.clone(),
        ValueKind::Number => f64::try_from(value.clone()).ok().map(|number| number as i64),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim_matches(python::is_space);
            let text = without_underscores(text).unwrap_or_default();
            let fraction = || text.parse::<f64>().ok().filter(|number| number.is_finite());
            text.parse().ok().or_else(|| fraction().map(|number| number as i64))
        }
        _ => None,
    };
    number.map(Value::from).or(default).unwrap_or_else(|| Value::from(0))
}

/// `float(default=0.0)`: the default for what is no number.
fn float(value: &Value, default: Option<Value>) -> Value {
    let number = match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default().trim_matches(python::is_space);
            without_underscores(text).and_then(|text| text.parse().ok())
        }
        _ => None,
    };
    number.map(Value::from).or(default).unwrap_or_else(|| Value::from(0.0))
}

/// `attr`: an attribute of an object. What templates are given has items and no attributes.
fn attribute(value: &Value, name: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Map => Ok(Value::UNDEFINED),
        _ => minijinja::filters::attr(value, name),
    }
}
