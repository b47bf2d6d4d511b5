//! Types and presets by name, which configurations can name: what the registries of maskers and retentions are made of.

use sah_message::meant;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::masker::FieldInfo;

/// A type that configurations can name.
pub(crate) trait Named {
    /// What types of this kind are called in messages.
    const WORD: &'static str;

    /// Its `type`.
    fn name(&self) -> &'static str;

    /// Its fields.
    fn fields(&self) -> &'static [FieldInfo];
}

/// Types by name, in the order in which they were registered, and presets made of them.
#[derive(Debug, Clone)]
pub(crate) struct Registered<T> {
    types: Vec<T>,
    presets: Vec<(&'static str, Value)>,
}

impl<T: Named> Registered<T> {
    pub(crate) fn new(types: Vec<T>, presets: Vec<(&'static str, Value)>) -> Self {
        Self { types, presets }
    }

    /// With one more type. A name that is taken is [`Error::NameTaken`].
    pub(crate) fn with_type(mut self, new: T) -> Result<Self> {
        if self.find(new.name()).is_some() {
            return Err(Error::NameTaken { name: new.name() });
        }
        self.types.push(new);
        Ok(self)
    }

    /// With the preset `name`. A name that is taken is [`Error::NameTaken`].
    pub(crate) fn with_preset(mut self, name: &'static str, template: Value) -> Result<Self> {
        if self.template(name).is_some() {
            return Err(Error::NameTaken { name });
        }
        self.presets.push((name, template));
        Ok(self)
    }

    pub(crate) fn types(&self) -> &[T] {
        &self.types
    }

    /// The type `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        self.types.iter().find(|one| one.name() == name)
    }

    /// Names of the presets.
    pub(crate) fn presets(&self) -> impl Iterator<Item = &'static str> {
        self.presets.iter().map(|(name, _)| *name)
    }

    /// The configuration of a preset.
    pub(crate) fn template(&self, name: &str) -> Option<&Value> {
        self.presets.iter().find(|preset| preset.0 == name).map(|(_, template)| template)
    }

    /// The type that `type` names, which is taken out of `fields`; fails with the problem.
    pub(crate) fn take_type(&self, fields: &mut Map<String, Value>) -> Result<&T, String> {
        let name = fields.shift_remove("type").ok_or("missing field `type`")?;
        let name = name.as_str().ok_or("`type` is not a text")?;
        self.find(name).ok_or_else(|| {
            let meant = meant(name, self.types.iter().map(T::name));
            format!("there is no {} of type `{name}`; {meant}", T::WORD)
        })
    }
}

/// What `read` makes of `fields`, those of the type `one`; fails with the problem. A field that `one` does not list may be one that
/// `read` knows: by another name, or one that no list shows.
pub(crate) fn read_fields<R>(
    one: &impl Named,
    fields: Map<String, Value>,
    read: impl FnOnce(Value) -> Result<R, String>,
) -> Result<R, String> {
    let unlisted = unlisted(one, &fields);
    read(Value::Object(fields)).map_err(|problem| match unlisted {
        Some(unlisted) if problem.starts_with("unknown field") => unlisted,
        _ => problem,
    })
}

/// What to say of the first of `fields` that `one` does not list, if there is one.
fn unlisted(one: &impl Named, fields: &Map<String, Value>) -> Option<String> {
    let names = || one.fields().iter().map(|field| field.name);
    let field = fields.keys().find(|field| names().all(|name| name != field.as_str()))?;
    let name = one.name();
    Some(match one.fields() {
        [] => format!("`{name}` has no field `{field}`, and no other"),
        _ => format!("`{name}` has no field `{field}`; {}", meant(field, names())),
    })
}
