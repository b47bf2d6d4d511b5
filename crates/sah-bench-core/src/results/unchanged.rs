//! Whether a run that goes on is still the same.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::json::read_json;
use crate::Error;

/// What may differ: it says where things were and what ran, and changes no answer.
const MAY_DIFFER: [&str; 6] =
    ["model.name", "model.source", "data.location", "threads", "versions", "warnings"];

/// Where the model ran. Which of several equal devices that was changes no answer.
const DEVICE: &str = "device";

/// The kinds of devices without their numbers: of `cuda:0,cuda:1`, twice `cuda`.
fn kinds(devices: &Value) -> Option<Vec<&str>> {
    let devices = devices.as_str()?.split(',');
    Some(devices.map(|device| device.split(':').next().unwrap_or_default()).collect())
}

/// Fails where a value in the file at `path` is another than in `config`.
pub(super) fn check_unchanged(path: &Path, config: &impl Serialize) -> Result<(), Error> {
    let was: Value = read_json(path)?;
    let is =
        serde_json::to_value(config).map_err(|source| Error::Json { path: path.to_path_buf(), source })?;
    match difference(String::new(), &was, &is) {
        None => Ok(()),
        Some((key, was, is)) => Err(Error::ConfigChanged {
            path: path.to_path_buf(),
            key,
            was: was.to_string(),
            is: is.to_string(),
        }),
    }
}

/// The first difference, as `key.key` and both values; a key that is missing is null.
fn difference(key: String, was: &Value, is: &Value) -> Option<(String, Value, Value)> {
    if MAY_DIFFER.contains(&key.as_str()) {
        return None;
    }
    if key == DEVICE && kinds(was).is_some_and(|kinds_then| kinds(is) == Some(kinds_then)) {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (was, is) else {
        return (was != is).then(|| (key, was.clone(), is.clone()));
    };
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names
        .map(|name| {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned().unwrap_or_default();
            difference(key, &value(before), &value(after))
        })
        .find_map(|difference| difference)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::difference;

    fn key(was: &Value, is: &Value) -> Option<String> {
        difference(String::new(), was, is).map(|(key, _, _)| key)
    }

    #[test]
    fn the_first_difference_that_matters_is_named() {
        let config = |hash: &str, name: &str, threads: u32| json!({"model": {"hash": hash, "name": name}, "threads": threads});
        assert_eq!(key(&config("a", "x", 2), &config("a", "y", 8)), None);
        assert_eq!(key(&config("a", "x", 2), &config("b", "y", 8)), Some("model.hash".to_owned()));
        let limits = |limit: Value| json!({"limits": {"max_context_length": limit}, "seed": 1});
        let (none, some) = (limits(Value::Null), limits(json!(512)));
        assert_eq!(key(&none, &some), Some("limits.max_context_length".to_owned()));
        assert_eq!(key(&none, &json!({"seed": 1, "limits": {}})), None);
        let device = |device: &str| json!({"device": device});
        assert_eq!(key(&device("cuda:0"), &device("cuda:3")), None);
        assert_eq!(key(&device("cuda:0"), &device("cuda:0,cuda:1")), Some("device".to_owned()));
        assert_eq!(key(&device("cuda:0"), &device("cpu")), Some("device".to_owned()));
        assert_eq!(key(&json!({"seed": 1}), &json!({"seed": 1, "dtype": "f32"})), Some("dtype".to_owned()));
    }
}
