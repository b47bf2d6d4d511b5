//! JSON files of a checkpoint, which Python wrote.

use std::borrow::Cow;
use std::path::Path;

use serde_json::Value;

use crate::Error;

/// The JSON in a file.
///
/// Python writes `NaN`, `Infinity` and `-Infinity` as numbers, which JSON does not have. They are read as transformers 5
/// writes them: `{"__float__": "NaN"}`. See [`number`].
pub(crate) fn read(path: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let bad = |problem: String| Error::BadFile {
        path: path.to_owned(),
        problem,
        remedy: "fetch the file again".into(),
    };
    let text = String::from_utf8(bytes).map_err(|error| bad(format!("is no text in UTF-8: {error}")))?;
    if text.starts_with('\u{feff}') {
        return Err(Error::BadFile {
            path: path.to_owned(),
            problem: "begins with a byte order mark, which JSON has not".into(),
            remedy: "save it as UTF-8 without one".into(),
        });
    }
    serde_json::from_str(&text)
        .or_else(|error| match with_special_numbers(&text) {
            Cow::Borrowed(_) => Err(error),
            Cow::Owned(text) => serde_json::from_str(&text),
        })
        .map_err(|error| bad(format!("is no JSON: {error}")))
}

/// The JSON in a file that may be missing.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Value>, Error> {
    if path.is_file() { read(path).map(Some) } else { Ok(None) }
}

/// The key of an object that stands for a number that JSON does not have.
const SPECIAL: &str = "__float__";

/// The numbers that Python has and JSON has not.
const SPECIAL_NUMBERS: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

/// The number that `value` is or stands for.
pub(crate) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| special_number(value).map(|(_, number)| number))
}

/// The name and value of a number that JSON does not have, if `value` stands for one.
pub(crate) fn special_number(value: &Value) -> Option<(&'static str, f64)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let name = fields.get(SPECIAL)?.as_str()?;
    SPECIAL_NUMBERS.into_iter().find(|(known, _)| *known == name)
}

/// `text` with objects in place of Python's numbers, which stand outside of strings.
fn with_special_numbers(text: &str) -> Cow<'_, str> {
    let mut copy = String::new();
    let (mut done, mut at, mut in_string) = (0, 0, false);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' | b'-' if !in_string => {
                let found = SPECIAL_NUMBERS.into_iter().find(|(name, _)| text[at..].starts_with(name));
                if let Some((name, _)) = found {
                    copy += &text[done..at];
                    copy.extend(["{\"", SPECIAL, "\": \"", name, "\"}"]);
                    done = at + name.len();
                    at = done - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    Cow::Owned(copy + &text[done..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Result<Value, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn numbers_that_only_python_has_are_read() {
        let json = of(r#"{"a": NaN, "b": [Infinity, -Infinity, -1, 2.5], "c": "NaN, \" Infinity"}"#).unwrap();
        assert!(number(&json["a"]).unwrap().is_nan());
        let numbers: Vec<_> = json["b"].as_array().unwrap().iter().filter_map(number).collect();
        assert_eq!(numbers, [f64::INFINITY, f64::NEG_INFINITY, -1.0, 2.5]);
        assert_eq!(json["c"], "NaN, \" Infinity");
        assert_eq!(
            of("[NaN]").unwrap(),
            of(r#"[{"__float__": "NaN"}]"#).unwrap(),
            "as transformers 5 writes"
        );
        for other in [json!({}), json!({"__float__": "x"}), json!({"__float__": "NaN", "b": 1}), json!("NaN")]
        {
            assert_eq!(number(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_json_for_python_is_none_here() {
        for text in ["[nan]", "[NaNs]", "{\"a\": NaN", "[+Infinity]", "NaN NaN", "[Inf]"] {
            assert!(of(text).unwrap_err().to_string().contains("is no JSON"), "{text}");
        }
        let marked = of("\u{feff}{}").unwrap_err().to_string();
        assert!(marked.contains("byte order mark"), "{marked}");
    }
}
