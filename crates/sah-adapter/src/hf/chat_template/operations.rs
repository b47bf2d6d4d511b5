//! What templates do with values, as filters that no template can name.

use std::cmp::Ordering;

use minijinja::{Environment, Error, State, Value};

use super::arguments::{Arguments, required};
use super::filters;
use super::python::{
    self, Dict, add, as_text, attribute, call_method, check_hashable, compare, contains, divide, equal,
    failed, floor_divide, item, iterate, list, multiply, negate, power, remainder, slice, subtract, text,
};

/// Names of operations that have no sign of their own.
pub(super) mod names {
    pub(in super::super) const ATTRIBUTE: &str = "x.name";
    pub(in super::super) const DICT: &str = "{}";
    pub(in super::super) const IN: &str = "x∈y";
    pub(in super::super) const ITEM: &str = "x[y]";
    pub(in super::super) const ITERATE: &str = "iter(x)";
    pub(in super::super) const METHOD: &str = "x.name()";
    pub(in super::super) const NEGATE: &str = "-x";
    pub(in super::super) const SLICE: &str = "x[:]";
}

/// Adds the operations to `environment`.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    let mut one = |name: &'static str, operation: filters::Native| filters::add(environment, name, operation);
    one("+", |state, arguments| with_two(arguments, |a, b| add(state, a, b)));
    one("-", |_, arguments| with_two(arguments, subtract));
    one("*", |state, arguments| with_two(arguments, |a, b| multiply(state, a, b)));
    one("/", |_, arguments| with_two(arguments, divide));
    one("//", |_, arguments| with_two(arguments, floor_divide));
    one("%", |state, arguments| with_two(arguments, |a, b| remainder(state, a, b)));
    one("**", |_, arguments| with_two(arguments, power));
    one("~", |state, arguments| with_two(arguments, |a, b| concatenate(state, a, b)));
    one("==", |_, arguments| with_two(arguments, |a, b| Ok(equal(a, b)?.into())));
    one("!=", |_, arguments| with_two(arguments, |a, b| Ok((!equal(a, b)?).into())));
    one("<", |_, arguments| ordered(arguments, &[Ordering::Less]));
    one("<=", |_, arguments| ordered(arguments, &[Ordering::Less, Ordering::Equal]));
    one(">", |_, arguments| ordered(arguments, &[Ordering::Greater]));
    one(">=", |_, arguments| ordered(arguments, &[Ordering::Greater, Ordering::Equal]));
    one(names::IN, |_, arguments| with_two(arguments, |a, b| Ok(contains(b, a)?.into())));
    one(names::NEGATE, |_, arguments| negate(&with_one(arguments)?));
    one(names::ITERATE, |_, arguments| Ok(list(iterate(&with_one(arguments)?)?)));
    one(names::ATTRIBUTE, |_, arguments| with_two(arguments, |value, name| attribute(value, as_text(name)?)));
    one(names::ITEM, |_, arguments| with_two(arguments, item));
    one(names::SLICE, |state, arguments| {
        let [value, start, end, by] = arguments.unnamed()?;
        let bounds = [&required(start)?, &required(end)?, &required(by)?];
        slice(state, &required(value)?, bounds)
    });
    one(names::METHOD, |state, mut arguments| {
        if arguments.positional.len() < 2 {
            return Err(failed("a method without its name"));
        }
        let value = arguments.positional.remove(0);
        let name = arguments.positional.remove(0);
        call_method(state, &value, as_text(&name)?, arguments)
    });
    one(names::DICT, dict);
}

fn with_one(arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.unnamed()?;
    required(value)
}

fn with_two(
    arguments: Arguments,
    of: impl FnOnce(&Value, &Value) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let [a, b] = arguments.unnamed()?;
    of(&required(a)?, &required(b)?)
}

fn ordered(arguments: Arguments, accepted: &[Ordering]) -> Result<Value, Error> {
    with_two(arguments, |a, b| {
        let ordering = compare(a, b)?;
        Ok(ordering.is_some_and(|ordering| accepted.contains(&ordering)).into())
    })
}

/// `a ~ b`: the texts of both.
fn concatenate(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    let (a, b) = (text(a)?, text(b)?);
    state.consume_fuel((a.len() + b.len()) as u64 / 64)?;
    Ok(Value::from(a + &b))
}

fn dict(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let mut dict = Dict::default();
    let mut parts = arguments.positional.into_iter().skip(1);
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        check_hashable(&key)?;
        dict.0.insert(key, value);
    }
    Ok(Value::from_object(dict))
}

/// Functions that templates find without being given them.
pub(super) fn add_functions(environment: &mut Environment<'_>) {
    use minijinja::value::{Rest, ValueOrKwargs};
    environment.add_function("namespace", minijinja::functions::namespace);
    environment.add_function("range", |values: Rest<ValueOrKwargs>| range(Arguments::new(values)?));
    environment.add_function("dict", |values: Rest<ValueOrKwargs>| dict_of(Arguments::new(values)?));
    environment.add_function("raise_exception", |message: Value| -> Result<Value, Error> {
        Err(failed(text(&message)?))
    });
    environment.add_function("strftime_now", super::strftime::strftime_now);
}

/// `range(stop)`, `range(start, stop, step)`: of 100 000 numbers at most, as in Jinja's sandbox.
fn range(arguments: Arguments) -> Result<Value, Error> {
    const MOST: usize = 100_000;
    let [first, second, by] = arguments.unnamed()?;
    let first = python::as_int(&required(first)?)?;
    let second = second.as_ref().map(python::as_int).transpose()?;
    let by = by.as_ref().map_or(Ok(1), python::as_int)?;
    let (start, stop) = second.map_or((0, first), |second| (first, second));
    let fits = |number: i128| number.abs() < 1 << 100;
    if by == 0 || ![start, stop, by].into_iter().all(fits) {
        return Err(failed("range needs numbers, and a step that is not 0"));
    }
    let range = python::Range { start, stop, step: by };
    if range.len() > MOST {
        return Err(failed("range too big"));
    }
    Ok(Value::from_object(range))
}

/// `dict(mapping, name=value, ...)`.
fn dict_of(arguments: Arguments) -> Result<Value, Error> {
    let Arguments { positional, named } = arguments;
    let mut dict = match positional.as_slice() {
        [] => Dict::default(),
        [value] => match python::Kind::of(value) {
            python::Kind::Dict(dict) => dict.clone(),
            kind => return Err(failed(format!("`dict` of a '{}'", kind.name()))),
        },
        _ => return Err(failed("dict takes one argument without a name")),
    };
    dict.0.extend(named.into_iter().map(|(name, value)| (Value::from(name), value)));
    Ok(Value::from_object(dict))
}
