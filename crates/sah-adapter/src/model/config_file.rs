//! `config.json` as the architectures read it. What is wrong with it is kept, so that all of it can be said at once.

mod object;
mod refused;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fmt::Display;
use std::path::Path;

use serde_json::{Map, Value};

pub(super) use object::ConfigObject;

use super::overrides::Given;
use crate::Error;
use crate::hf::json;

/// No size of a model is larger; products of two or three stay far from overflowing.
pub(super) const LARGEST: i64 = 1 << 24;

/// The config of a language model in the form of Hugging Face's `config.json`, and the file to name where it is wrong.
///
/// Reading a field never fails: what is wrong with it is kept for [`Self::problems`], and some value that a model can have
/// is given instead.
#[derive(Debug)]
pub(super) struct ConfigFile<'a> {
    fields: &'a Map<String, Value>,
    path: &'a Path,
    /// The object in which a wrapper has the config (empty: none), and the wrapper's own fields.
    outer: Option<(&'static str, &'a Map<String, Value>)>,
    /// Rotary embeddings that are used instead of the config's.
    given_rope: Option<&'a Given<Map<String, Value>>>,
    findings: RefCell<Findings>,
}

/// What was found out about a config beside its fields.
#[derive(Debug, Default)]
pub(super) struct Findings {
    problems: Vec<Error>,
    /// Fields that are not in it, with the value that is taken for them.
    pub(super) defaults: Vec<String>,
    /// What a user should know: fields without effect, parts that are not run.
    pub(super) notes: Vec<String>,
}

impl<'a> ConfigFile<'a> {
    /// The config of a model that reads text alone.
    pub(super) fn new(fields: &'a Map<String, Value>, path: &'a Path) -> Self {
        Self { fields, path, outer: None, given_rope: None, findings: RefCell::default() }
    }

    /// The config of the language model in `name`, a field of `self`, the config of a model that reads more than text.
    pub(super) fn within(self, name: &'static str, fields: &'a Map<String, Value>) -> Self {
        Self { fields, outer: Some((name, self.fields)), ..self }
    }

    /// The same with other rotary embeddings.
    pub(super) fn with_rope(self, given_rope: Option<&'a Given<Map<String, Value>>>) -> Self {
        Self { given_rope, ..self }
    }

    /// All that is wrong, as one error; else what else was found.
    pub(super) fn finish(self) -> Result<Findings, Error> {
        let mut findings = self.findings.into_inner();
        let mut texts: Vec<String> = vec![];
        findings.problems.retain(|problem| {
            let text = problem.to_string();
            let is_new = !texts.contains(&text);
            texts.push(text);
            is_new
        });
        match findings.problems.len() {
            0 => Ok(findings),
            1 => Err(findings.problems.remove(0)),
            _ => Err(Error::Several(findings.problems)),
        }
    }

    /// Keeps what is wrong.
    pub(super) fn problem(&self, error: Error) {
        self.findings.borrow_mut().problems.push(error);
    }

    /// Keeps what a user should know.
    pub(super) fn note(&self, note: impl Into<String>) {
        let (note, notes) = (note.into(), &mut self.findings.borrow_mut().notes);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// A field is missing or has an impossible value.
    pub(super) fn wrong(&self, field: &str, expected: impl Display, found: impl Display) {
        self.problem(Error::Field {
            path: self.path.to_owned(),
            field: self.full_name(field),
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }

    /// A field asks for something that is not done here.
    pub(super) fn unsupported(&self, field: &str, found: impl Display, supported: impl Display) {
        self.problem(Error::Unsupported {
            path: self.path.to_owned(),
            field: self.full_name(field),
            found: found.to_string(),
            supported: supported.to_string(),
        });
    }

    /// The value of a field that is there, null included.
    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field)
    }

    /// The field of the wrapper, if there is one.
    pub(super) fn outer(&self, field: &str) -> Option<&'a Value> {
        self.outer.and_then(|(_, fields)| fields.get(field))
    }

    /// Whether the language model is part of another one.
    pub(super) fn is_wrapped(&self) -> bool {
        self.outer.is_some()
    }

    /// The rotary embeddings that are used instead of the config's.
    pub(super) fn given_rope(&self) -> Option<&'a Given<Map<String, Value>>> {
        self.given_rope
    }

    /// A number of things, 1 to [`LARGEST`]; `default` where the field is absent, which is kept too.
    pub(super) fn size(&self, field: &str, default: i64) -> i64 {
        match self.get(field) {
            None => {
                let text = format!("{} {default}", self.full_name(field));
                let defaults = &mut self.findings.borrow_mut().defaults;
                if !defaults.contains(&text) {
                    defaults.push(text);
                }
                default
            }
            Some(value) => self.checked_size(field, value, "").unwrap_or(default),
        }
    }

    /// The same; `None` where the field is absent or null.
    pub(super) fn optional_size(&self, field: &str) -> Option<i64> {
        let value = self.get(field).filter(|value| !value.is_null())?;
        self.checked_size(field, value, ", or null")
    }

    fn checked_size(&self, field: &str, value: &Value, or_null: &str) -> Option<i64> {
        let size = value.as_i64().filter(|size| (1..=LARGEST).contains(size));
        if size.is_none() {
            self.wrong(field, format!("1 to {LARGEST}{or_null}"), shortened(value));
        }
        size
    }

    /// A number of things, of which 0 is one too.
    pub(super) fn count(&self, field: &str, default: usize) -> usize {
        let Some(value) = self.get(field) else { return default };
        value.as_u64().filter(|&count| count <= LARGEST.unsigned_abs()).map_or_else(
            || {
                self.wrong(field, format!("0 to {LARGEST}"), shortened(value));
                default
            },
            |count| count as usize,
        )
    }

    /// True or false.
    pub(super) fn bool(&self, field: &str, default: bool) -> bool {
        let Some(value) = self.get(field) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(field, "true or false", shortened(value));
            default
        })
    }

    /// A finite number above 0.
    pub(super) fn number(&self, field: &str, default: f64) -> f64 {
        match self.get(field) {
            None => default,
            Some(value) => self.checked_number(field, value, "a number above 0").unwrap_or(default),
        }
    }

    /// The same; `default` where the field is absent, `None` where it is null.
    pub(super) fn optional_number(&self, field: &str, default: Option<f64>) -> Option<f64> {
        match self.get(field) {
            None => default,
            Some(Value::Null) => None,
            Some(value) => self.checked_number(field, value, "a number above 0, or null"),
        }
    }

    fn checked_number(&self, field: &str, value: &Value, expected: &str) -> Option<f64> {
        let number = json::number(value).filter(|number| number.is_finite() && *number > 0.0);
        if number.is_none() {
            self.wrong(field, expected, shortened(value));
        }
        number
    }

    /// A text.
    pub(super) fn text(&self, field: &str, default: &'a str) -> &'a str {
        let Some(value) = self.get(field) else { return default };
        value.as_str().unwrap_or_else(|| {
            self.wrong(field, "a text", shortened(value));
            default
        })
    }

    /// A list of texts; `None` where it is absent or null.
    pub(super) fn texts(&self, field: &str) -> Option<Vec<&'a str>> {
        let value = self.get(field).filter(|value| !value.is_null())?;
        let texts = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
        if texts.is_none() {
            self.wrong(field, "a list of texts", shortened(value));
        }
        texts
    }

    /// The object in `field`; `None` where it is absent or null.
    pub(super) fn object(&self, field: &str) -> Option<ConfigObject<'_>> {
        match self.get(field)? {
            Value::Null => None,
            Value::Object(fields) => Some(ConfigObject::new(self, self.path, self.full_name(field), fields)),
            other => {
                self.wrong(field, "an object", shortened(other));
                None
            }
        }
    }

    /// All of them.
    pub(super) fn fields(&self) -> &'a Map<String, Value> {
        self.fields
    }

    fn full_name(&self, field: &str) -> String {
        match self.outer {
            None | Some(("", _)) => field.to_owned(),
            Some((name, _)) => format!("{name}.{field}"),
        }
    }
}

/// A value for an error message, which is one short line.
pub(super) fn shortened(value: &Value) -> String {
    if let Some((name, _)) = json::special_number(value) {
        return name.to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(60) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}
