//! Operators.

use std::cmp::Ordering;

use minijinja::{Error, State, Value};

use super::numbers::too_large;
use super::{
    Kind, MAX_DEPTH, Number, check_hashable, escaped, failed, int, list, markup, printf, tuple, type_name,
};

/// Bytes that an item of a list costs.
const ITEM_BYTES: u64 = 32;
/// Bytes that a unit of work pays for.
const BYTES_PER_FUEL: u64 = 64;
/// Integers up to here are floats exactly.
const EXACT: i128 = 1 << 53;

fn unsupported(operator: &str, a: &Value, b: &Value) -> Error {
    failed(format!("'{}' {operator} '{}'", type_name(a), type_name(b)))
}

fn numbers(a: &Value, b: &Value) -> Option<(Number, Number)> {
    Some((Number::of(a)?, Number::of(b)?))
}

/// Computes with two integers, or with two floats.
fn arithmetic(
    operator: &str,
    (a, b): (&Value, &Value),
    of_ints: impl Fn(i128, i128) -> Option<i128>,
    of_floats: impl Fn(f64, f64) -> f64,
) -> Result<Value, Error> {
    match numbers(a, b).ok_or_else(|| unsupported(operator, a, b))? {
        (Number::Int(a), Number::Int(b)) => of_ints(a, b).map(int).ok_or_else(too_large),
        (a, b) => Ok(Value::from(of_floats(a.as_float(), b.as_float()))),
    }
}

/// `a + b`.
pub(in super::super) fn add(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    match (Kind::of(a), Kind::of(b)) {
        (Kind::Text(left), Kind::Text(right)) if a.is_safe() || b.is_safe() => {
            // `Markup` escapes what it is put together with.
            state.consume_fuel((left.len() + right.len()) as u64 / BYTES_PER_FUEL)?;
            let part =
                |value: &Value, text: &str| if value.is_safe() { text.to_owned() } else { escaped(text) };
            Ok(Value::from_safe_string(part(a, left) + &part(b, right)))
        }
        (Kind::Text(a), Kind::Text(b)) => {
            state.consume_fuel((a.len() + b.len()) as u64 / BYTES_PER_FUEL)?;
            Ok(Value::from([a, b].concat()))
        }
        (Kind::List(a), Kind::List(b)) => {
            state.consume_fuel((a.len() + b.len()) as u64 * ITEM_BYTES / BYTES_PER_FUEL)?;
            Ok(list([a, b].concat()))
        }
        (Kind::Tuple(a), Kind::Tuple(b)) => {
            state.consume_fuel((a.len() + b.len()) as u64 * ITEM_BYTES / BYTES_PER_FUEL)?;
            Ok(tuple([a, b].concat()))
        }
        _ => arithmetic("+", (a, b), i128::checked_add, |a, b| a + b),
    }
}

/// `a - b`.
pub(in super::super) fn subtract(a: &Value, b: &Value) -> Result<Value, Error> {
    arithmetic("-", (a, b), i128::checked_sub, |a, b| a - b)
}

/// `a * b`.
pub(in super::super) fn multiply(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    let (sequence, count) = match (Kind::of(a), Kind::of(b)) {
        (Kind::Text(_) | Kind::List(_) | Kind::Tuple(_), Kind::Int(_) | Kind::Bool(_)) => (a, b),
        (Kind::Int(_) | Kind::Bool(_), Kind::Text(_) | Kind::List(_) | Kind::Tuple(_)) => (b, a),
        _ => return arithmetic("*", (a, b), i128::checked_mul, |a, b| a * b),
    };
    let count = usize::try_from(super::as_int(count)?.max(0)).map_err(|_| too_large())?;
    let pay = |bytes: usize| state.consume_fuel((bytes as u64).saturating_mul(count as u64) / BYTES_PER_FUEL);
    match Kind::of(sequence) {
        Kind::Text(_) if sequence.is_safe() => Err(markup()),
        Kind::Text(text) => {
            pay(text.len())?;
            Ok(Value::from(text.repeat(count)))
        }
        Kind::List(items) => {
            pay(items.len() * ITEM_BYTES as usize)?;
            Ok(list(repeated(items, count)))
        }
        Kind::Tuple(items) => {
            pay(items.len() * ITEM_BYTES as usize)?;
            Ok(tuple(repeated(items, count)))
        }
        _ => Err(unsupported("*", a, b)),
    }
}

fn repeated(items: &[Value], count: usize) -> Vec<Value> {
    std::iter::repeat_n(items, count).flatten().cloned().collect()
}

/// `a / b`.
pub(in super::super) fn divide(a: &Value, b: &Value) -> Result<Value, Error> {
    let (x, y) = numbers(a, b).ok_or_else(|| unsupported("/", a, b))?;
    if let (Number::Int(x), Number::Int(y)) = (x, y)
        && (x.abs() > EXACT || y.abs() > EXACT)
    {
        return Err(failed("a division of integers of more than 53 bits"));
    }
    let (x, y) = (x.as_float(), y.as_float());
    if y == 0.0 { Err(by_zero()) } else { Ok(Value::from(x / y)) }
}

/// `a // b`.
pub(in super::super) fn floor_divide(a: &Value, b: &Value) -> Result<Value, Error> {
    check_divisor("//", a, b)?;
    let of_ints = |a: i128, b: i128| {
        let quotient = a.checked_div(b)?;
        Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
    };
    arithmetic("//", (a, b), of_ints, |a, b| floats_divided(a, b).0)
}

/// `a % b`, of which the text before a `%` is a format.
pub(in super::super) fn remainder(state: &State<'_, '_>, a: &Value, b: &Value) -> Result<Value, Error> {
    if let Kind::Text(_) = Kind::of(a) {
        return printf(state, super::as_text(a)?, b);
    }
    check_divisor("%", a, b)?;
    let of_ints = |a: i128, b: i128| {
        let rest = a.checked_rem(b)?;
        Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
    };
    arithmetic("%", (a, b), of_ints, |a, b| floats_divided(a, b).1)
}

fn check_divisor(operator: &str, a: &Value, b: &Value) -> Result<(), Error> {
    let (_, divisor) = numbers(a, b).ok_or_else(|| unsupported(operator, a, b))?;
    if divisor.as_float() == 0.0 { Err(by_zero()) } else { Ok(()) }
}

fn by_zero() -> Error {
    failed("division by zero")
}

/// Quotient and remainder of floats, as the interpreter's `float_divmod` has them.
fn floats_divided(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0.0_f64.copysign(a / b), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// `a ** b`.
pub(in super::super) fn power(a: &Value, b: &Value) -> Result<Value, Error> {
    let (x, y) = numbers(a, b).ok_or_else(|| unsupported("**", a, b))?;
    if let (Number::Int(x), Number::Int(y)) = (x, y)
        && y >= 0
    {
        let power = match x {
            0 | 1 => Some(if y == 0 { 1 } else { x }),
            -1 => Some(if y % 2 == 0 { 1 } else { -1 }),
            _ => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        };
        return power.map(int).ok_or_else(too_large);
    }
    let (x, y) = (x.as_float(), y.as_float());
    if x == 0.0 && y < 0.0 {
        return Err(by_zero());
    }
    let power = x.powf(y);
    if power.is_finite() || !x.is_finite() || !y.is_finite() {
        Ok(Value::from(power))
    } else {
        Err(failed("a power that is no float"))
    }
}

/// `-a`.
pub(in super::super) fn negate(a: &Value) -> Result<Value, Error> {
    match Number::of(a).ok_or_else(|| failed(format!("-'{}'", type_name(a))))? {
        Number::Int(a) => a.checked_neg().map(int).ok_or_else(too_large),
        Number::Float(a) => Ok(Value::from(-a)),
    }
}

/// `a == b`.
pub(in super::super) fn equal(a: &Value, b: &Value) -> Result<bool, Error> {
    equal_at(a, b, 0)
}

fn equal_at(a: &Value, b: &Value, depth: usize) -> Result<bool, Error> {
    if depth > MAX_DEPTH {
        return Err(failed("a value that is nested too deeply"));
    }
    if let Some((a, b)) = numbers(a, b) {
        return Ok(compare_numbers(a, b) == Some(Ordering::Equal));
    }
    Ok(match (Kind::of(a), Kind::of(b)) {
        (Kind::Undefined, Kind::Undefined) | (Kind::None, Kind::None) => true,
        (Kind::Text(a), Kind::Text(b)) => a == b,
        (Kind::List(a), Kind::List(b)) | (Kind::Tuple(a), Kind::Tuple(b)) => items_equal(a, b, depth)?,
        (Kind::Group(a), Kind::Tuple(b)) | (Kind::Tuple(b), Kind::Group(a)) => {
            items_equal(a.items(), b, depth)?
        }
        (Kind::Group(a), Kind::Group(b)) => items_equal(a.items(), b.items(), depth)?,
        (Kind::Dict(a), Kind::Dict(b)) => {
            let mut all = a.0.len() == b.0.len();
            for (key, value) in &a.0 {
                all = all
                    && match b.0.get(key) {
                        Some(other) => equal_at(value, other, depth + 1)?,
                        None => false,
                    };
            }
            all
        }
        (Kind::Range(a), Kind::Range(b)) => {
            let ends = |range: super::Range| (range.len(), range.iter().next(), range.iter().next_back());
            ends(*a) == ends(*b)
        }
        (Kind::View(_), Kind::View(_)) => return Err(failed("a comparison of views of a dict")),
        _ => same(a, b)?,
    })
}

fn items_equal(a: &[Value], b: &[Value], depth: usize) -> Result<bool, Error> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (a, b) in a.iter().zip(b) {
        if !equal_at(a, b, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether both are one object. Of the engine's own objects it is not known here.
pub(in super::super) fn same(a: &Value, b: &Value) -> Result<bool, Error> {
    if let (Kind::Other, Kind::Other) = (Kind::of(a), Kind::of(b)) {
        return Err(failed("whether two objects are one"));
    }
    Ok(place(a).is_some() && place(a) == place(b))
}

/// Where an object of Python's types lies in memory.
fn place(value: &Value) -> Option<*const ()> {
    fn of<T: 'static>(value: &Value) -> Option<*const ()> {
        value.downcast_object_ref::<T>().map(|object| std::ptr::from_ref(object).cast())
    }
    let tuple = of::<minijinja::value::Tuple>;
    let all: [fn(&Value) -> Option<*const ()>; 7] = [
        of::<Vec<Value>>,
        tuple,
        of::<super::Dict>,
        of::<super::View>,
        of::<super::Range>,
        of::<super::Generator>,
        of::<super::Group>,
    ];
    all.iter().find_map(|of| of(value))
}

/// How `a` stands to `b` by `<` and `>`; `None` for what is not a number.
pub(in super::super) fn compare(a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    compare_at(a, b, 0)
}

fn compare_at(a: &Value, b: &Value, depth: usize) -> Result<Option<Ordering>, Error> {
    if depth > MAX_DEPTH {
        return Err(failed("a value that is nested too deeply"));
    }
    if let Some((a, b)) = numbers(a, b) {
        return Ok(compare_numbers(a, b));
    }
    match (Kind::of(a), Kind::of(b)) {
        (Kind::Text(a), Kind::Text(b)) => Ok(Some(a.cmp(b))),
        (Kind::List(x), Kind::List(y)) | (Kind::Tuple(x), Kind::Tuple(y)) => {
            for (x, y) in x.iter().zip(y) {
                if !equal_at(x, y, depth + 1)? {
                    return compare_at(x, y, depth + 1);
                }
            }
            Ok(Some(x.len().cmp(&y.len())))
        }
        _ => Err(unsupported("<", a, b)),
    }
}

fn compare_numbers(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Int(a), Number::Float(b)) => compare_int(a, b),
        (Number::Float(a), Number::Int(b)) => compare_int(b, a).map(Ordering::reverse),
    }
}

/// Without rounding the integer.
fn compare_int(a: i128, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    // Beyond its range, the conversion gives the nearest integer, which lies on the right side.
    let whole = a.cmp(&(b.trunc() as i128));
    Some(whole.then_with(|| 0.0_f64.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal)))
}

/// Whether one of `items` is `wanted`.
pub(super) fn any_equal(items: &[Value], wanted: &Value) -> Result<bool, Error> {
    for item in items {
        if equal(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a dictionary with these keys has `wanted`.
pub(super) fn has_key(dict: &super::Dict, wanted: &Value) -> Result<bool, Error> {
    check_hashable(wanted)?;
    Ok(dict.0.contains_key(wanted))
}
