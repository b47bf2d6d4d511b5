//! The tests of Jinja2 (`value is name`), by its sources.

use std::cmp::Ordering;

use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value};

use super::arguments::{Arguments, required};
use super::filters;
use super::python::{
    Kind, check_hashable, compare, contains, equal, failed, is_lower, is_upper, length, remainder, same, text,
};

/// A test.
type Native = fn(&mut State<'_, '_>, Arguments) -> Result<bool, Error>;

const TESTS: &[(&str, Native)] = &[
    ("boolean", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Bool(_)))),
    ("callable", callable),
    ("defined", |_, arguments| of_kind(arguments, |kind| !matches!(kind, Kind::Undefined))),
    ("divisibleby", |state, arguments| {
        let [value, number] = arguments.bind(["value", "num"])?;
        divides(state, &required(value)?, &required(number)?, 0)
    }),
    ("escaped", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        Ok(required(value)?.is_safe())
    }),
    ("even", |state, arguments| {
        let [value] = arguments.bind(["value"])?;
        divides(state, &required(value)?, &Value::from(2), 0)
    }),
    ("false", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Bool(false)))),
    ("filter", |_, arguments| named(arguments, filters::NAMES)),
    ("float", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Float(_)))),
    ("in", |_, arguments| {
        let [value, container] = arguments.bind(["value", "seq"])?;
        contains(&required(container)?, &required(value)?)
    }),
    ("integer", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Int(_)))),
    ("iterable", |_, arguments| of_kind(arguments, is_iterable)),
    ("lower", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        Ok(is_lower(&text(&required(value)?)?))
    }),
    ("mapping", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Dict(_)))),
    ("none", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::None))),
    ("number", |_, arguments| {
        of_kind(arguments, |kind| matches!(kind, Kind::Bool(_) | Kind::Int(_) | Kind::Float(_)))
    }),
    ("odd", |state, arguments| {
        let [value] = arguments.bind(["value"])?;
        divides(state, &required(value)?, &Value::from(2), 1)
    }),
    ("sameas", same_as),
    ("sequence", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        let value = required(value)?;
        Ok(length(&value).is_ok() && !matches!(Kind::of(&value), Kind::View(_)))
    }),
    ("string", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Text(_)))),
    ("test", |_, arguments| named(arguments, NAMES)),
    ("true", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Bool(true)))),
    ("undefined", |_, arguments| of_kind(arguments, |kind| matches!(kind, Kind::Undefined))),
    ("upper", |_, arguments| {
        let [value] = arguments.bind(["value"])?;
        Ok(is_upper(&text(&required(value)?)?))
    }),
];

/// An operator.
type Comparison = fn(&Value, &Value) -> Result<bool, Error>;

/// Tests that are operators, with all their names.
const OPERATORS: &[(&[&str], Comparison)] = &[
    (&["==", "eq", "equalto"], equal),
    (&["!=", "ne"], |a, b| Ok(!equal(a, b)?)),
    (&["<", "lt", "lessthan"], |a, b| Ok(compare(a, b)? == Some(Ordering::Less))),
    (&["<=", "le"], |a, b| Ok(matches!(compare(a, b)?, Some(Ordering::Less | Ordering::Equal)))),
    (&[">", "gt", "greaterthan"], |a, b| Ok(compare(a, b)? == Some(Ordering::Greater))),
    (&[">=", "ge"], |a, b| Ok(matches!(compare(a, b)?, Some(Ordering::Greater | Ordering::Equal)))),
];

/// Names of all tests of Jinja2, for the test `test`.
const NAMES: &[&str] = &[
    "!=",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Adds the tests to `environment`.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    for &(name, test) in TESTS {
        let called = move |state: &mut State<'_, '_>, values: Rest<ValueOrKwargs>| -> Result<bool, Error> {
            test(state, Arguments::new(values)?)
        };
        environment.add_test(name, called);
    }
    for &(names, operator) in OPERATORS {
        for name in names {
            let called = move |values: Rest<ValueOrKwargs>| -> Result<bool, Error> {
                let [a, b] = Arguments::new(values)?.unnamed()?;
                operator(&required(a)?, &required(b)?)
            };
            environment.add_test(*name, called);
        }
    }
}

fn of_kind(arguments: Arguments, fits: fn(Kind<'_>) -> bool) -> Result<bool, Error> {
    let [value] = arguments.bind(["value"])?;
    Ok(fits(Kind::of(&required(value)?)))
}

fn is_iterable(kind: Kind<'_>) -> bool {
    !matches!(kind, Kind::None | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Other)
}

/// Whether dividing `value` by `by` leaves `rest`.
fn divides(state: &State<'_, '_>, value: &Value, by: &Value, rest: i64) -> Result<bool, Error> {
    equal(&remainder(state, value, by)?, &Value::from(rest))
}

fn named(arguments: Arguments, names: &[&str]) -> Result<bool, Error> {
    let [value] = arguments.bind(["value"])?;
    let value = required(value)?;
    check_hashable(&value)?;
    Ok(value.as_str().is_some_and(|name| names.contains(&name)))
}

/// What is undefined has the means to be called, which fail. Of the engine's own objects it is not known here.
fn callable(_: &mut State<'_, '_>, arguments: Arguments) -> Result<bool, Error> {
    let [value] = arguments.bind(["obj"])?;
    match Kind::of(&required(value)?) {
        Kind::Undefined => Ok(true),
        Kind::Other => Err(failed("whether an object can be called")),
        _ => Ok(false),
    }
}

/// Whether both are one object. Of texts and large numbers that depends on how Python keeps them.
fn same_as(_: &mut State<'_, '_>, arguments: Arguments) -> Result<bool, Error> {
    let [value, other] = arguments.bind(["value", "other"])?;
    let (value, other) = (required(value)?, required(other)?);
    match (Kind::of(&value), Kind::of(&other)) {
        (Kind::None, Kind::None) => Ok(true),
        (Kind::Bool(a), Kind::Bool(b)) => Ok(a == b),
        (Kind::Int(a), Kind::Int(b)) if a != b => Ok(false),
        // Python has these once.
        (Kind::Int(number), Kind::Int(_)) if (-5..=256).contains(&number) => Ok(true),
        (Kind::Int(_), Kind::Int(_))
        | (Kind::Float(_), Kind::Float(_))
        | (Kind::Text(_), Kind::Text(_))
        | (Kind::Tuple(_), Kind::Tuple(_))
        | (Kind::Undefined, Kind::Undefined) => Err(failed("whether two equal values are one object")),
        _ => same(&value, &other),
    }
}
