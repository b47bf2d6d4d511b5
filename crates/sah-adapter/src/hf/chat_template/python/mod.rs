//! Values as Python has them: what templates compute with, in the types and by the rules of Python.

mod containers;
mod convert;
mod format;
mod items;
mod methods;
mod numbers;
mod operators;
mod printf;
mod repr;
mod spec;
mod text;
mod words;

use minijinja::value::Tuple;
use minijinja::{Error, ErrorKind, Value};

pub(super) use containers::{Dict, Generator, Group, Range, View};
pub(super) use convert::from_json;
pub(super) use items::{attribute, contains, item, slice};
pub(super) use methods::{call_method, centred, replace};
pub(super) use numbers::{Number, float_repr, parse_float, parse_int, round};
pub(super) use operators::{
    add, compare, divide, equal, floor_divide, multiply, negate, power, remainder, same, subtract,
};
pub(super) use printf::printf;
pub(super) use repr::{repr, text};
pub(super) use text::{capitalize, escaped, is_lower, is_space, is_upper, lines, strip};
pub(super) use words::is_word;

/// Deepest nesting of lists and dictionaries that is written or compared. Python gives up at about 1000.
pub(super) const MAX_DEPTH: usize = 200;

/// A value by its type in Python.
#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    /// Jinja's `Undefined`.
    Undefined,
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// `str`, and `Markup`, for which [`Value::is_safe`] is true.
    Text(&'a str),
    List(&'a [Value]),
    Tuple(&'a [Value]),
    Group(&'a Group),
    Dict(&'a Dict),
    View(&'a View),
    Range(&'a Range),
    Generator(&'a Generator),
    /// Objects of the template engine: a loop, a namespace, a macro, a function.
    Other,
}

impl<'a> Kind<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        if let Some(text) = value.as_str() {
            return Self::Text(text);
        }
        if value.is_undefined() {
            return Self::Undefined;
        }
        if value.is_none() {
            return Self::None;
        }
        if value.as_object().is_none() {
            return Self::of_number(value);
        }
        if let Some(list) = value.downcast_object_ref::<Vec<Value>>() {
            Self::List(list)
        } else if let Some(tuple) = value.downcast_object_ref::<Tuple>() {
            Self::Tuple(tuple)
        } else if let Some(dict) = value.downcast_object_ref::<Dict>() {
            Self::Dict(dict)
        } else if let Some(view) = value.downcast_object_ref::<View>() {
            Self::View(view)
        } else if let Some(range) = value.downcast_object_ref::<Range>() {
            Self::Range(range)
        } else if let Some(generator) = value.downcast_object_ref::<Generator>() {
            Self::Generator(generator)
        } else if let Some(group) = value.downcast_object_ref::<Group>() {
            Self::Group(group)
        } else {
            Self::Other
        }
    }

    fn of_number(value: &Value) -> Self {
        use minijinja::value::ValueKind;
        match value.kind() {
            ValueKind::Bool => Self::Bool(value.is_true()),
            ValueKind::Number if value.is_integer() => {
                i128::try_from(value.clone()).map_or(Self::Other, Self::Int)
            }
            ValueKind::Number => f64::try_from(value.clone()).map_or(Self::Other, Self::Float),
            _ => Self::Other,
        }
    }

    /// The name of the type in Python.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Undefined => "Undefined",
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::List(_) => "list",
            Self::Tuple(_) | Self::Group(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::View(_) => "view of a dict",
            Self::Range(_) => "range",
            Self::Generator(_) => "generator",
            Self::Other => "object",
        }
    }
}

/// The name of a value's type in Python.
pub(super) fn type_name(value: &Value) -> &'static str {
    Kind::of(value).name()
}

/// A list.
pub(super) fn list(items: Vec<Value>) -> Value {
    Value::from_object(items)
}

/// A tuple.
pub(super) fn tuple(items: Vec<Value>) -> Value {
    Value::from(Tuple::new(items))
}

/// An integer.
pub(super) fn int(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::from(number), Value::from)
}

/// What iterating over a value gives. A generator is empty afterwards.
pub(super) fn iterate(value: &Value) -> Result<Vec<Value>, Error> {
    Ok(match Kind::of(value) {
        Kind::Undefined => Vec::new(),
        Kind::Text(text) => text.chars().map(Value::from).collect(),
        Kind::List(items) | Kind::Tuple(items) => items.to_vec(),
        Kind::Group(group) => group.items().to_vec(),
        Kind::Dict(dict) => dict.0.keys().cloned().collect(),
        Kind::View(view) => view.items(),
        Kind::Range(range) => range.iter().map(int).collect(),
        Kind::Generator(generator) => generator.take(),
        kind => return Err(failed(format!("'{}' is not iterable", kind.name()))),
    })
}

/// `len(value)`.
pub(super) fn length(value: &Value) -> Result<usize, Error> {
    Ok(match Kind::of(value) {
        Kind::Undefined => 0,
        Kind::Text(text) => text.chars().count(),
        Kind::List(items) | Kind::Tuple(items) => items.len(),
        Kind::Group(_) => 2,
        Kind::Dict(dict) => dict.0.len(),
        Kind::View(view) => view.dict.0.len(),
        Kind::Range(range) => range.len(),
        kind => return Err(failed(format!("'{}' has no length", kind.name()))),
    })
}

/// An error where a value cannot be a key of a dictionary.
pub(super) fn check_hashable(value: &Value) -> Result<(), Error> {
    match Kind::of(value) {
        Kind::Undefined | Kind::None | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) => {
            Ok(())
        }
        Kind::Tuple(items) => items.iter().try_for_each(check_hashable),
        kind => Err(failed(format!("'{}' is no key of a dictionary here", kind.name()))),
    }
}

/// An integer, as where Python asks for one: a bool counts, a float does not.
pub(super) fn as_int(value: &Value) -> Result<i128, Error> {
    match Kind::of(value) {
        Kind::Bool(value) => Ok(i128::from(value)),
        Kind::Int(value) => Ok(value),
        kind => Err(failed(format!("'{}' is no integer", kind.name()))),
    }
}

/// A `str`. `Markup` is refused: its methods and operators escape their arguments.
pub(super) fn as_text(value: &Value) -> Result<&str, Error> {
    match Kind::of(value) {
        Kind::Text(_) if value.is_safe() => Err(markup()),
        Kind::Text(text) => Ok(text),
        kind => Err(failed(format!("'{}' is no text", kind.name()))),
    }
}

/// The error for what `Markup` does with other texts.
pub(super) fn markup() -> Error {
    failed("an operation on text that was escaped or marked as safe")
}

/// The error that a template ends with.
pub(super) fn failed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
