//! An object inside a config, whose fields are all to be understood.

use std::fmt::Display;
use std::path::Path;

use serde_json::{Map, Value};

use super::{ConfigFile, shortened};
use crate::Error;
use crate::hf::json;

/// An object inside a config, or in the place of one. As with [`ConfigFile`], reading never fails.
#[derive(Clone, Debug)]
pub(in crate::model) struct ConfigObject<'a> {
    file: &'a ConfigFile<'a>,
    /// What errors name.
    path: &'a Path,
    /// The object's own name, with its parents; empty for one that is no field.
    name: String,
    fields: &'a Map<String, Value>,
}

impl<'a> ConfigObject<'a> {
    /// The object `fields`, what is wrong in which is kept in `file`.
    pub(in crate::model) fn new(
        file: &'a ConfigFile<'_>,
        path: &'a Path,
        name: String,
        fields: &'a Map<String, Value>,
    ) -> Self {
        Self { file, path, name, fields }
    }

    /// An object inside this one; `None` where it is absent or null.
    pub(in crate::model) fn object(&self, field: &str) -> Option<Self> {
        let fields = self.typed(field, "an object", Value::as_object)?;
        Some(Self { name: self.full_name(field), fields, ..self.clone() })
    }

    /// Whether the field is there, null or not.
    pub(in crate::model) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Whether there is no field.
    pub(in crate::model) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A text.
    pub(in crate::model) fn text(&self, field: &str) -> Option<&'a str> {
        self.typed(field, "a text", Value::as_str)
    }

    /// A finite number above 0.
    pub(in crate::model) fn number(&self, field: &str) -> Option<f64> {
        let above_0 = |number: &f64| number.is_finite() && *number > 0.0;
        self.typed(field, "a number above 0", |value| json::number(value).filter(above_0))
    }

    /// A finite number above 0; `None` for 0 too, as in Python's `x or default`.
    pub(in crate::model) fn number_or_zero(&self, field: &str) -> Option<f64> {
        let is_zero = self.fields.get(field).and_then(Value::as_f64) == Some(0.0);
        if is_zero { None } else { self.number(field) }
    }

    /// A number above 0 that must be there.
    pub(in crate::model) fn required(&self, field: &str) -> f64 {
        if self.fields.get(field).is_none_or(Value::is_null) {
            self.wrong(field, "a number above 0", "nothing");
        }
        self.number(field).unwrap_or(1.0)
    }

    /// True or false.
    pub(in crate::model) fn bool(&self, field: &str) -> Option<bool> {
        self.typed(field, "true or false", Value::as_bool)
    }

    /// `count` numbers above 0.
    pub(in crate::model) fn numbers(&self, field: &str, count: usize) -> Vec<f32> {
        let expected = format!("{count} numbers above 0");
        let number =
            |value: &Value| value.as_f64().map(|number| number as f32).filter(|number| *number > 0.0);
        let found = match self.fields.get(field) {
            Some(Value::Array(list)) if list.len() == count => {
                match list.iter().map(number).collect::<Option<Vec<f32>>>() {
                    Some(numbers) => return numbers,
                    None => "something else among them".to_owned(),
                }
            }
            Some(Value::Array(list)) => format!("{} numbers", list.len()),
            None | Some(Value::Null) => "nothing".to_owned(),
            Some(other) => shortened(other),
        };
        self.wrong(field, expected, found);
        vec![1.0; count]
    }

    /// Says of fields that are none of `known`, unless they are null, that they are not supported.
    pub(in crate::model) fn only(&self, known: &[&str]) {
        let unknown = |(name, value): &(&String, &Value)| !value.is_null() && !known.contains(&name.as_str());
        for (name, value) in self.fields.iter().filter(unknown) {
            self.unsupported(name, shortened(value), format!("the fields {}", known.join(", ")));
        }
    }

    /// A field is missing or has an impossible value.
    pub(in crate::model) fn wrong(&self, field: &str, expected: impl Display, found: impl Display) {
        self.file.problem(Error::Field {
            path: self.path.to_owned(),
            field: self.full_name(field),
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }

    /// A field asks for something that is not done here.
    pub(in crate::model) fn unsupported(&self, field: &str, found: impl Display, supported: impl Display) {
        self.file.problem(Error::Unsupported {
            path: self.path.to_owned(),
            field: self.full_name(field),
            found: found.to_string(),
            supported: supported.to_string(),
        });
    }

    /// The field with its parents.
    pub(in crate::model) fn full_name(&self, field: &str) -> String {
        if self.name.is_empty() { field.to_owned() } else { format!("{}.{field}", self.name) }
    }

    /// The object in a sentence.
    pub(in crate::model) fn described(&self) -> String {
        if self.name.is_empty() { self.path.display().to_string() } else { self.name.clone() }
    }

    fn typed<T>(&self, field: &str, expected: &str, convert: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.fields.get(field).filter(|value| !value.is_null())?;
        let converted = convert(value);
        if converted.is_none() {
            self.wrong(field, expected, shortened(value));
        }
        converted
    }
}
