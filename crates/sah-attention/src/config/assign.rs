//! Single fields of a configuration set by text: `FIELD=VALUE`.

use std::collections::{BTreeSet, HashSet};

use sah_message::{meant, nearest};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::masker::FieldInfo;

/// What can be set in a configuration that has a list of entries, each with a `type`.
pub(crate) struct Entries<'a> {
    /// The field with the list.
    pub(crate) list: &'static str,
    /// What its entries are called.
    pub(crate) word: &'static str,
    /// Fields of the configuration itself.
    pub(crate) own: &'static [&'static str],
    /// The fields of a type.
    pub(crate) fields: &'a dyn Fn(&str) -> Option<&'static [FieldInfo]>,
}

/// Carries out `assignments`, each of a field of its own.
pub(crate) fn all(entries: &Entries<'_>, config: &mut Value, assignments: &[impl AsRef<str>]) -> Result<()> {
    let mut set = HashSet::new();
    for assignment in assignments {
        let assignment = assignment.as_ref();
        let fail = |problem| Error::Assignment { assignment: assignment.to_owned(), problem };
        let field = entries.assign(config, assignment).map_err(fail)?;
        if let Some(field) = set.replace(field) {
            return Err(fail(format!("{field} is set already, by another value before it")));
        }
    }
    Ok(())
}

impl Entries<'_> {
    /// Carries out one assignment and gives the field in full, `TYPE.FIELD`; fails with the problem.
    fn assign(&self, config: &mut Value, assignment: &str) -> Result<String, String> {
        let (field, text) = assignment.split_once('=').ok_or("must be FIELD=VALUE")?;
        let value = parsed(text);
        if self.own.contains(&field) {
            config[field] = value;
            return Ok(field.to_owned());
        }
        let (wanted, field) = match field.split_once('.') {
            Some((entry, field)) => (Some(entry), field),
            None => (None, field),
        };
        let list = config[self.list].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
        let types: Vec<String> = list.iter().map(|entry| type_of(entry).to_owned()).collect();
        let mut places: Vec<&mut Map<String, Value>> = list
            .iter_mut()
            .filter(|entry| wanted.is_none_or(|wanted| wanted == type_of(entry)))
            .filter(|entry| self.fields_of(type_of(entry)).iter().any(|known| known.name == field))
            .filter_map(Value::as_object_mut)
            .collect();
        match places.as_mut_slice() {
            [place] => {
                let entry = place.get("type").and_then(Value::as_str).unwrap_or_default();
                let full = format!("{entry}.{field}");
                place.insert(field.to_owned(), value);
                Ok(full)
            }
            [] => Err(self.no_such_field(&types, wanted, field)),
            [first, ..] => {
                let example = first.get("type").and_then(Value::as_str).unwrap_or_default();
                Err(format!(
                    "several {} have it: write TYPE.FIELD=VALUE, for example {example}.{field}={text}",
                    self.word
                ))
            }
        }
    }

    fn fields_of(&self, name: &str) -> &'static [FieldInfo] {
        (self.fields)(name).unwrap_or_default()
    }

    /// What may be meant by a field that no entry of `types` has: without its type where that was left out.
    fn no_such_field(&self, types: &[String], entry: Option<&str>, field: &str) -> String {
        let fields =
            || types.iter().flat_map(|name| self.fields_of(name).iter().map(move |field| (name, field)));
        let own = || self.own.iter().copied();
        let full: Vec<String> = fields()
            .map(|(name, field)| format!("{name}.{}", field.name))
            .chain(own().map(str::to_owned))
            .collect();
        let names: BTreeSet<&str> = fields().map(|(_, field)| field.name).chain(own()).collect();
        let meant = match entry {
            None if !nearest(field, names.iter().copied()).is_empty() => meant(field, names),
            None => meant(field, full.iter().map(String::as_str)),
            Some(entry) => meant(&format!("{entry}.{field}"), full.iter().map(String::as_str)),
        };
        format!("no such field; {meant}")
    }
}

fn type_of(entry: &Value) -> &str {
    entry["type"].as_str().unwrap_or_default()
}

/// JSON, a percentage as a fraction, or text.
fn parsed(text: &str) -> Value {
    if let Some(percent) = text.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok()) {
        return json!({"fraction": percent / 100.0});
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
