//! JSON Lines: files of one JSON object a line.

use std::{fs, path::Path};

use serde_json::{Map, Value};

use crate::{Error, MetricError};

/// The whole text of a file.
pub(crate) fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|source| Error::Io { path: file.to_owned(), source })
}

/// The lines of `text`, which comes from `file`, that are not blank.
pub(crate) fn rows<'a>(text: &'a str, file: &'a Path) -> impl Iterator<Item = Line<'a>> {
    let lines = text.split('\n').enumerate();
    lines.filter(|(_, text)| !text.trim().is_empty()).map(move |(i, text)| Line { text, file, number: i + 1 })
}

/// A line that was not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    text: &'a str,
    file: &'a Path,
    number: usize,
}

impl<'a> Line<'a> {
    pub(crate) fn parse(self) -> Result<Row<'a>, Error> {
        let fields = serde_json::from_str(self.text).map_err(|source| Error::Json {
            file: self.file.to_owned(),
            row: self.number,
            source,
        })?;
        Ok(Row { fields, file: self.file, number: self.number })
    }
}

/// The object on a line. A field that is null counts as missing.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    fields: Map<String, Value>,
    file: &'a Path,
    number: usize,
}

const TEXT: &str = "a text";
const TEXTS: &str = "a list of texts";
const INTEGER: &str = "an integer";

impl Row<'_> {
    fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    pub(crate) fn text(&self, field: &'static str) -> Result<&str, Error> {
        let value = self.get(field);
        value.and_then(Value::as_str).ok_or_else(|| self.wrong(field, TEXT, value))
    }

    /// As [`Row::text`], leaving nothing behind.
    pub(crate) fn take_text(&mut self, field: &'static str) -> Result<String, Error> {
        match self.fields.get_mut(field).map(Value::take) {
            Some(Value::String(text)) => Ok(text),
            other => Err(self.wrong(field, TEXT, other.as_ref())),
        }
    }

    pub(crate) fn take_optional_text(&mut self, field: &'static str) -> Result<Option<String>, Error> {
        if self.has(field) { self.take_text(field).map(Some) } else { Ok(None) }
    }

    pub(crate) fn integer(&self, field: &'static str) -> Result<i64, Error> {
        let value = self.get(field);
        value.and_then(Value::as_i64).ok_or_else(|| self.wrong(field, INTEGER, value))
    }

    pub(crate) fn texts(&self, field: &'static str) -> Result<Vec<String>, Error> {
        let value = self.get(field);
        let list = value.and_then(Value::as_array).ok_or_else(|| self.wrong(field, TEXTS, value))?;
        list.iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| self.wrong_item(field, item)))
            .collect()
    }

    pub(crate) fn optional_texts(&self, field: &'static str) -> Result<Option<Vec<String>>, Error> {
        if self.has(field) { self.texts(field).map(Some) } else { Ok(None) }
    }

    fn wrong(&self, field: &'static str, expected: &'static str, found: Option<&Value>) -> Error {
        self.field_error(field, expected, found.map_or_else(|| "nothing".to_owned(), describe))
    }

    fn wrong_item(&self, field: &'static str, item: &Value) -> Error {
        self.field_error(field, TEXTS, format!("a list with {}", describe(item)))
    }

    pub(crate) fn field_error(&self, field: &'static str, expected: &'static str, found: String) -> Error {
        Error::Field { file: self.file.to_owned(), row: self.number, field, expected, found }
    }

    pub(crate) fn reference_error(&self, field: &'static str, source: MetricError) -> Error {
        Error::Reference { file: self.file.to_owned(), row: self.number, field, source }
    }

    pub(crate) fn no_prompts(&self) -> Error {
        Error::NoPrompts { file: self.file.to_owned(), row: self.number }
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

    fn parse(text: &str) -> Result<Row<'_>, Error> {
        Line { text, file: Path::new("f.jsonl"), number: 3 }.parse()
    }

    #[test]
    fn blank_lines_are_skipped_but_counted() {
        let numbers: Vec<_> =
            rows("{}\n\n  \r\n{\"a\": 1}\r\n", Path::new("f")).map(|line| line.number).collect();
        assert_eq!(numbers, [1, 4]);
    }

    #[test]
    fn wrong_values_are_named() {
        let mut row =
            parse(r#"{"answers": "x", "length": 1.5, "all_classes": ["a", 2], "input": 7, "n": null}"#)
                .unwrap();
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
        ] {
            assert_eq!(error.to_string(), format!("f.jsonl: row 3, {message}"));
        }
        assert_eq!(row.take_optional_text("n").unwrap(), None);
    }

    #[test]
    fn a_line_that_is_no_object_is_named() {
        for text in ["[1]", "{\"a\": ", "{\"a\": NaN}"] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with("f.jsonl: line 3: expected a JSON object"), "{message}");
        }
    }
}
