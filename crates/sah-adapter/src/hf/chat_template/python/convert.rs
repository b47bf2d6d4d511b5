//! JSON to values.

use minijinja::Value;
use serde_json::Value as Json;

use super::{Dict, list};

/// What Python's `json.loads` gives.
pub(in super::super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| number.as_f64().map(Value::from))
            .unwrap_or_default(),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => list(items.iter().map(from_json).collect()),
        Json::Object(fields) => {
            Dict::from_pairs(fields.iter().map(|(key, value)| (Value::from(key.as_str()), from_json(value))))
        }
    }
}
