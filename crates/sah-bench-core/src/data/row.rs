//! One row of a data file, its fields by name and kind.

use std::path::Path;

use serde_json::{Map, Value};

use super::ReadError;
use super::parquet::{ANY_KIND, Batch};
use crate::ColumnKind;

/// A row of a data file. A field that is null counts as missing.
///
/// Fields are read by name and kind; an error names file, row, field, what was expected and what was found.
#[derive(Debug)]
pub struct Row<'a> {
    fields: Fields<'a>,
    file: &'a Path,
    number: usize,
}

#[derive(Debug)]
enum Fields<'a> {
    Json(Map<String, Value>),
    Parquet { batch: &'a Batch, index: usize },
}

impl<'a> Row<'a> {
    pub(super) fn from_json(fields: Map<String, Value>, file: &'a Path, number: usize) -> Self {
        Self { fields: Fields::Json(fields), file, number }
    }

    pub(super) fn from_parquet(batch: &'a Batch, index: usize, file: &'a Path, number: usize) -> Self {
        Self { fields: Fields::Parquet { batch, index }, file, number }
    }

    /// The file that it comes from.
    #[must_use]
    pub fn file(&self) -> &'a Path {
        self.file
    }

    /// Its place in the file, from 1; of JSON Lines the line.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Whether the field has a value.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        match &self.fields {
            Fields::Json(fields) => fields.get(field).is_some_and(|value| !value.is_null()),
            Fields::Parquet { batch, index } => batch.has(field, *index),
        }
    }

    /// A text.
    pub fn text(&self, field: &'static str) -> Result<&str, ReadError> {
        let text = match &self.fields {
            Fields::Json(fields) => fields.get(field).and_then(Value::as_str),
            Fields::Parquet { batch, index } => batch.text(field, *index),
        };
        text.ok_or_else(|| self.wrong_kind(field, ColumnKind::Text))
    }

    /// As [`Row::text`], taken out of the row: a long text of JSON is not copied.
    pub fn take_text(&mut self, field: &'static str) -> Result<String, ReadError> {
        if let Fields::Json(fields) = &mut self.fields
            && let Some(Value::String(text)) = fields.get_mut(field)
        {
            return Ok(std::mem::take(text));
        }
        self.text(field).map(str::to_owned)
    }

    /// As [`Row::take_text`]; `None` for a missing field.
    pub fn take_optional_text(&mut self, field: &'static str) -> Result<Option<String>, ReadError> {
        if self.has(field) { self.take_text(field).map(Some) } else { Ok(None) }
    }

    /// An integer.
    pub fn integer(&self, field: &'static str) -> Result<i64, ReadError> {
        let integer = match &self.fields {
            Fields::Json(fields) => fields.get(field).and_then(Value::as_i64),
            Fields::Parquet { batch, index } => batch.integer(field, *index),
        };
        integer.ok_or_else(|| self.wrong_kind(field, ColumnKind::Integer))
    }

    /// A number of tokens: an integer that is not negative.
    pub fn tokens(&self, field: &'static str) -> Result<usize, ReadError> {
        let number = self.integer(field)?;
        usize::try_from(number)
            .map_err(|_| self.wrong(field, "a number of tokens", format!("the number {number}")))
    }

    /// A list of texts.
    pub fn texts(&self, field: &'static str) -> Result<Vec<String>, ReadError> {
        let not_a_text = |found: &str| {
            self.wrong(field, &ColumnKind::TextList.to_string(), format!("a list with {found}"))
        };
        match &self.fields {
            Fields::Json(fields) => {
                let list = fields.get(field).and_then(Value::as_array);
                let list = list.ok_or_else(|| self.wrong_kind(field, ColumnKind::TextList))?;
                let text = |item: &Value| {
                    item.as_str().map(str::to_owned).ok_or_else(|| not_a_text(&describe(item)))
                };
                list.iter().map(text).collect()
            }
            Fields::Parquet { batch, index } => {
                let list = batch.list(field, *index);
                let list = list.ok_or_else(|| self.wrong_kind(field, ColumnKind::TextList))?;
                list.into_iter().map(|text| text.ok_or_else(|| not_a_text("nothing at a place"))).collect()
            }
        }
    }

    /// As [`Row::texts`]; `None` for a missing field.
    pub fn optional_texts(&self, field: &'static str) -> Result<Option<Vec<String>>, ReadError> {
        if self.has(field) { self.texts(field).map(Some) } else { Ok(None) }
    }

    /// The value of a field that holds another kind in each data set: a text, an integer, a list of texts, or nothing. An object
    /// of JSON is its text.
    pub fn value(&self, field: &'static str) -> Result<crate::Value, ReadError> {
        let value = match &self.fields {
            Fields::Json(fields) => fields.get(field).unwrap_or(&Value::Null),
            Fields::Parquet { .. } if !self.has(field) => &Value::Null,
            Fields::Parquet { batch, index } => {
                if let Some(text) = batch.text(field, *index) {
                    return Ok(crate::Value::Text(text.to_owned()));
                }
                return match batch.integer(field, *index) {
                    Some(integer) => Ok(crate::Value::Integer(integer)),
                    None => self.texts(field).map(crate::Value::TextList),
                };
            }
        };
        match value {
            Value::Null => Ok(crate::Value::Null),
            Value::String(text) => Ok(crate::Value::Text(text.clone())),
            Value::Object(_) => Ok(crate::Value::Text(value.to_string())),
            Value::Array(_) => self.texts(field).map(crate::Value::TextList),
            Value::Number(number) if number.is_i64() => self.integer(field).map(crate::Value::Integer),
            other => Err(self.wrong(field, ANY_KIND, describe(other))),
        }
    }

    /// A field of a row of JSON as it stands there; `None` where it is missing, and in rows of Parquet.
    #[must_use]
    pub fn json(&self, field: &str) -> Option<&Value> {
        match &self.fields {
            Fields::Json(fields) => fields.get(field),
            Fields::Parquet { .. } => None,
        }
    }

    /// The error of a field whose value is not what a benchmark needs.
    #[must_use]
    pub fn wrong(&self, field: &'static str, expected: &str, found: String) -> ReadError {
        let expected = expected.to_owned();
        ReadError::Field { file: self.file.to_owned(), row: self.number, field, expected, found }
    }

    fn wrong_kind(&self, field: &'static str, expected: ColumnKind) -> ReadError {
        let found = match &self.fields {
            Fields::Json(fields) => fields.get(field).map(describe),
            // A value of another type is found before any row is read.
            Fields::Parquet { .. } => None,
        };
        self.wrong(field, &expected.to_string(), found.unwrap_or_else(|| "nothing".to_owned()))
    }
}

/// What a value is, with a bit of it.
fn describe(value: &Value) -> String {
    const SHOWN: usize = 40;
    let shorten = |text: &str| {
        let mut short: String = text.chars().take(SHOWN).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        short
    };
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {:?}", shorten(text)),
        Value::Array(list) => format!("a list of {} items", list.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_are_named() {
        let json =
            r#"{"answers": "x", "length": 1.5, "all_classes": ["a", 2], "input": 7, "n": null, "new": -1}"#;
        let mut row = Row::from_json(serde_json::from_str(json).unwrap(), Path::new("f.jsonl"), 3);
        for (error, message) in [
            (
                row.texts("answers").unwrap_err(),
                r#"field answers: expected a list of texts, found the text "x""#,
            ),
            (row.integer("length").unwrap_err(), "field length: expected an integer, found the number 1.5"),
            (
                row.optional_texts("all_classes").unwrap_err(),
                "field all_classes: expected a list of texts, found a list with the number 2",
            ),
            (row.text("n").unwrap_err(), "field n: expected a text, found nothing"),
            (row.take_text("input").unwrap_err(), "field input: expected a text, found the number 7"),
            (row.tokens("new").unwrap_err(), "field new: expected a number of tokens, found the number -1"),
        ] {
            assert_eq!(error.to_string(), format!("f.jsonl: row 3, {message}"));
        }
        assert_eq!(row.take_optional_text("n").unwrap(), None);
    }

    #[test]
    fn a_value_of_any_kind_keeps_its_kind() {
        let json =
            r#"{"text": "x", "list": ["a"], "object": {"b": 1}, "number": 7, "null": null, "float": 1.5}"#;
        let row = Row::from_json(serde_json::from_str(json).unwrap(), Path::new("f.jsonl"), 3);
        for (field, value) in [
            ("text", crate::Value::Text("x".to_owned())),
            ("list", crate::Value::TextList(vec!["a".to_owned()])),
            ("object", crate::Value::Text(r#"{"b":1}"#.to_owned())),
            ("number", crate::Value::Integer(7)),
            ("null", crate::Value::Null),
            ("missing", crate::Value::Null),
        ] {
            assert_eq!(row.value(field).unwrap(), value, "{field}");
        }
        let error = row.value("float").unwrap_err().to_string();
        assert!(error.ends_with("expected a text, an integer or a list of texts, found the number 1.5"));
        assert_eq!(row.json("float").and_then(Value::as_f64), Some(1.5));
    }
}
