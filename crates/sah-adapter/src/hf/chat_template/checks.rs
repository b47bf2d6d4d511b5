//! Tests (`value is name`) that Jinja defines otherwise than minijinja.

use minijinja::value::ValueKind;
use minijinja::{Environment, Value};

use super::python::shown;

/// Adds them to `environment`.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_test("iterable", |value: &Value| value.is_undefined() || has_items(value));
    // What has a length and items: texts, dictionaries and what is undefined, too.
    environment.add_test("sequence", |value: &Value| {
        value.is_undefined() || has_items(value) && value.kind() != ValueKind::Iterable
    });
    // Of the text of any value.
    environment
        .add_test("lower", |value: &Value| is_all(&shown(value), char::is_lowercase, char::is_uppercase));
    environment
        .add_test("upper", |value: &Value| is_all(&shown(value), char::is_uppercase, char::is_lowercase));
}

fn has_items(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

/// Whether a text has letters of one case and none of the other.
fn is_all(text: &str, wanted: fn(char) -> bool, other: fn(char) -> bool) -> bool {
    text.chars().any(wanted) && !text.chars().any(other)
}
