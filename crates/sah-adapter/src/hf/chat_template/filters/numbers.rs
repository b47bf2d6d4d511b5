//! Filters of numbers, and those that make numbers.

use minijinja::{Error, State, Value};

use super::super::arguments::{Arguments, required};
use super::super::python::{
    Kind, Number, as_int, divide, failed, int, length, multiply, negate, parse_float, parse_int, power, round,
};
use super::Native;

pub(super) const FILTERS: &[(&str, Native)] = &[
    ("abs", |_, arguments| {
        let [value] = arguments.unnamed()?;
        let value = required(value)?;
        match Number::of(&value) {
            Some(Number::Int(number)) if number >= 0 => Ok(int(number)),
            Some(Number::Float(number)) => Ok(Value::from(number.abs())),
            _ => negate(&value),
        }
    }),
    ("count", |_, arguments| counted(arguments)),
    ("filesizeformat", file_size),
    ("float", to_float),
    ("int", to_int),
    ("length", |_, arguments| counted(arguments)),
    ("round", rounded),
];

fn counted(arguments: Arguments) -> Result<Value, Error> {
    let [value] = arguments.unnamed()?;
    Ok(Value::from(length(&required(value)?)?))
}

/// `int(default=0, base=10)`: towards zero; the default for what is no number.
fn to_int(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, default, base] = arguments.bind(["value", "default", "base"])?;
    let value = required(value)?;
    let default = default.unwrap_or_else(|| Value::from(0));
    let whole = |number: f64| {
        if number.abs() < 1e38 {
            Ok(int(number.trunc() as i128))
        } else {
            Err(failed("too large an integer"))
        }
    };
    match Kind::of(&value) {
        Kind::Undefined => Err(failed("`int` of what is undefined")),
        Kind::Bool(value) => Ok(Value::from(i64::from(value))),
        Kind::Int(_) => Ok(value),
        Kind::Float(number) if number.is_nan() => Ok(default),
        Kind::Float(number) => whole(number),
        Kind::Text(text) => {
            let base = base.as_ref().map_or(Ok(10), as_int)?;
            let base = u32::try_from(base).ok().filter(|base| *base == 0 || (2..=36).contains(base));
            // A base that there is not is as good as a text that is no integer.
            if let Some(base) = base
                && let Some(number) = parse_int(text, base)?
            {
                return Ok(int(number));
            }
            match parse_float(text)? {
                Some(number) if number.is_finite() => whole(number),
                _ => Ok(default),
            }
        }
        _ => Ok(default),
    }
}

/// `float(default=0.0)`: the default for what is no number.
fn to_float(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, default] = arguments.bind(["value", "default"])?;
    let value = required(value)?;
    let number = match Kind::of(&value) {
        Kind::Undefined => return Err(failed("`float` of what is undefined")),
        Kind::Text(text) => parse_float(text)?,
        _ => Number::of(&value).map(Number::as_float),
    };
    Ok(number.map(Value::from).or(default).unwrap_or_else(|| Value::from(0.0)))
}

/// `round(precision=0, method='common')`.
fn rounded(state: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, precision, method] = arguments.bind(["value", "precision", "method"])?;
    let value = required(value)?;
    let number = Number::of(&value).ok_or_else(|| failed("`round` of what is no number"))?;
    let precision = precision.unwrap_or_else(|| Value::from(0));
    let method = method.unwrap_or_else(|| Value::from("common"));
    let towards: fn(f64) -> f64 = match method.as_str() {
        Some("common") => return round(number, as_int(&precision)?),
        Some("ceil") => f64::ceil,
        Some("floor") => f64::floor,
        _ => return Err(failed("method must be common, ceil or floor")),
    };
    let unit = power(&Value::from(10), &precision)?;
    let scaled = multiply(state, &value, &unit)?;
    let whole = match Number::of(&scaled) {
        Some(Number::Float(scaled)) if scaled.abs() < 1e38 => int(towards(scaled) as i128),
        Some(Number::Int(_)) => scaled,
        _ => return Err(failed("`round` of a number that is too large")),
    };
    divide(&whole, &unit)
}

fn file_size(_: &mut State<'_, '_>, arguments: Arguments) -> Result<Value, Error> {
    let [value, binary] = arguments.bind(["value", "binary"])?;
    let value = required(value)?;
    let bytes = match Kind::of(&value) {
        Kind::Text(text) => parse_float(text)?,
        _ => Number::of(&value).map(Number::as_float),
    };
    let bytes = bytes.filter(|bytes| bytes.is_finite());
    let bytes = bytes.ok_or_else(|| failed("`filesizeformat` of what is no number"))?;
    let binary = binary.is_some_and(|binary| binary.is_true());
    let (base, infix, prefixes) = if binary { (1024_i128, "i", "KMGTPEZY") } else { (1000, "", "kMGTPEZY") };
    if bytes.to_bits() == 1.0_f64.to_bits() {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base as f64 {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc() as i128)));
    }
    let mut text = String::new();
    for (at, prefix) in (2..).zip(prefixes.chars()) {
        let unit = base.pow(at) as f64;
        text = format!("{:.1} {prefix}{infix}B", base as f64 * bytes / unit);
        if bytes < unit {
            break;
        }
    }
    Ok(Value::from(text))
}
