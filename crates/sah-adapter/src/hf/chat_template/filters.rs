//! Filters and tests that Jinja defines otherwise than minijinja.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, Value};

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
    // What has a length and items, texts and dictionaries too.
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map)
    });
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
        ValueKind::String => value.as_str().unwrap_or_default().trim_matches(python::is_space).parse().ok(),
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
