//! Filters that go over items by attribute, filter or test.

use minijinja::value::Kwargs;
use minijinja::{Error, State, Value};

use super::super::arguments::Arguments;
use super::super::python::{Generator, Kind, as_text, attribute, failed, int, item, iterate, text};
use super::Native;

pub(super) const FILTERS: &[(&str, Native)] = &[
    ("map", map),
    ("reject", |state, arguments| select(state, arguments, false, false)),
    ("rejectattr", |state, arguments| select(state, arguments, false, true)),
    ("select", |state, arguments| select(state, arguments, true, false)),
    ("selectattr", |state, arguments| select(state, arguments, true, true)),
];

/// An attribute that is looked up in items: `name`, `outer.inner`, `0`.
pub(super) struct Attribute {
    parts: Vec<Value>,
    default: Option<Value>,
}

impl Attribute {
    pub(super) fn new(name: &Value, default: Option<Value>) -> Result<Self, Error> {
        let part = |part: &str| match part.parse::<i64>() {
            Ok(number) if part.bytes().all(|b| b.is_ascii_digit()) => Value::from(number),
            _ => Value::from(part),
        };
        let parts = match Kind::of(name) {
            Kind::None => Vec::new(),
            Kind::Text(_) => as_text(name)?.split('.').map(part).collect(),
            Kind::Int(number) => vec![int(number)],
            kind => return Err(failed(format!("an attribute that is a '{}'", kind.name()))),
        };
        Ok(Self { parts, default: default.filter(|default| !default.is_none()) })
    }

    /// The one of an argument that may be left out.
    pub(super) fn optional(name: Option<Value>) -> Result<Option<Self>, Error> {
        name.filter(|name| !name.is_none()).map(|name| Self::new(&name, None)).transpose()
    }

    /// Those of an argument with commas; the item itself without.
    pub(super) fn several(names: Option<Value>) -> Result<Vec<Self>, Error> {
        let names = names.unwrap_or_default();
        match Kind::of(&names) {
            Kind::Text(names) => names.split(',').map(|name| Self::new(&Value::from(name), None)).collect(),
            Kind::Undefined => Ok(vec![Self::new(&Value::from(()), None)?]),
            _ => Ok(vec![Self::new(&names, None)?]),
        }
    }

    /// Its value in `value`.
    pub(super) fn of(&self, value: &Value) -> Result<Value, Error> {
        let mut value = value.clone();
        for part in &self.parts {
            value = item(&value, part)?;
            if let (true, Some(default)) = (value.is_undefined(), &self.default) {
                value = default.clone();
            }
        }
        Ok(value)
    }
}

/// The filter `attr`: an attribute that is no item. Of what templates are given, only groups and loops have some.
pub(super) fn attribute_of(value: &Value, name: &Value) -> Result<Value, Error> {
    let name = as_text(name)?;
    match Kind::of(value) {
        Kind::Dict(dict) if dict.get(name).is_some() => {
            // An error where the dictionary has a method of that name, as well.
            attribute(&super::super::python::Dict::from_pairs([]), name)
        }
        Kind::Undefined => Err(failed("`attr` of what is undefined")),
        _ => attribute(value, name),
    }
}

fn keyword_arguments(named: Vec<(String, Value)>) -> Option<Value> {
    (!named.is_empty()).then(|| named.into_iter().collect::<Kwargs>().into())
}

/// The item before the other arguments of a filter or test.
fn with(item: Value, arguments: &[Value]) -> Vec<Value> {
    std::iter::once(item).chain(arguments.iter().cloned()).collect()
}

/// `map('filter', ...)` or `map(attribute='name', default=...)`.
fn map(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let Arguments { mut positional, named } = arguments;
    if positional.is_empty() {
        return Err(failed("map needs items"));
    }
    let items = positional.remove(0);
    if !items.is_true() {
        return Ok(Generator::of(Vec::new()));
    }
    let by_attribute = positional.is_empty() && named.iter().any(|(name, _)| name == "attribute");
    let items = iterate(&items)?;
    let mut mapped = Vec::with_capacity(items.len());
    if by_attribute {
        let [name, default] = Arguments { positional, named }.bind(["attribute", "default"])?;
        let attribute = Attribute::new(&name.unwrap_or_default(), default)?;
        for item in items {
            mapped.push(attribute.of(&item)?);
        }
        return Ok(Generator::of(mapped));
    }
    if positional.is_empty() {
        return Err(failed("map requires a filter argument"));
    }
    let name = text(&positional.remove(0))?;
    if !super::NAMES.contains(&name.as_str()) {
        return Err(failed(format!("no filter named {name:?}")));
    }
    positional.extend(keyword_arguments(named));
    for item in items {
        mapped.push(state.apply_filter(&name, &with(item, &positional))?);
    }
    Ok(Generator::of(mapped))
}

/// `select('test', ...)`, `selectattr('name', 'test', ...)`, and the same for those that fail it.
fn select(
    state: &mut State<'_, '_>,
    arguments: Arguments,
    wanted: bool,
    by_attribute: bool,
) -> Result<Value, Error> {
    let Arguments { mut positional, named } = arguments;
    if positional.is_empty() {
        return Err(failed("select needs items"));
    }
    let items = positional.remove(0);
    if !items.is_true() {
        return Ok(Generator::of(Vec::new()));
    }
    let attribute = match by_attribute {
        true if positional.is_empty() => return Err(failed("missing parameter for attribute name")),
        true => Some(Attribute::new(&positional.remove(0), None)?),
        false => None,
    };
    let test = if positional.is_empty() { None } else { Some(text(&positional.remove(0))?) };
    positional.extend(keyword_arguments(named));
    let mut selected = Vec::new();
    for item in iterate(&items)? {
        let value = match &attribute {
            Some(attribute) => attribute.of(&item)?,
            None => item.clone(),
        };
        let passes = match &test {
            Some(test) => state.perform_test(test, &with(value, &positional))?,
            None => value.is_true(),
        };
        if passes == wanted {
            selected.push(item);
        }
    }
    Ok(Generator::of(selected))
}
