//! Numbers: how Python reads, writes and rounds them.

use minijinja::{Error, Value};

use super::text::is_space;
use super::{Kind, failed, int};

/// `int`, `bool` or `float`.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub(in super::super) fn of(value: &Value) -> Option<Self> {
        match Kind::of(value) {
            Kind::Bool(value) => Some(Self::Int(i128::from(value))),
            Kind::Int(value) => Some(Self::Int(value)),
            Kind::Float(value) => Some(Self::Float(value)),
            _ => None,
        }
    }

    pub(in super::super) fn as_float(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// A number as Python's `repr` writes it: the shortest digits that mean it, with an exponent from 1e16 on and below
/// 1e-4.
pub(in super::super) fn float_repr(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        return "nan".to_owned();
    }
    if size == 0.0 || (1e-4..1e16).contains(&size) || size.is_infinite() {
        return format!("{number:?}");
    }
    with_exponent(&format!("{number:e}"))
}

/// Rust's `1.5e7` as Python writes it: `1.5e+07`.
pub(super) fn with_exponent(text: &str) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// `float(text)`; `None` for what is no number.
pub(in super::super) fn parse_float(text: &str) -> Result<Option<f64>, Error> {
    let text = text.trim_matches(is_space);
    check_ascii(text)?;
    Ok(without_underscores(text).and_then(|digits| digits.parse().ok()))
}

/// `int(text, base)`; `None` for what is no number.
pub(in super::super) fn parse_int(text: &str, base: u32) -> Result<Option<i128>, Error> {
    let text = text.trim_matches(is_space);
    check_ascii(text)?;
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let prefix = digits.get(..2).unwrap_or_default().to_ascii_lowercase();
    let prefix = match prefix.as_str() {
        "0b" => Some(2),
        "0o" => Some(8),
        "0x" => Some(16),
        _ => None,
    };
    let (base, digits) = match (base, prefix) {
        (0, Some(prefix)) => (prefix, after_prefix(digits)),
        (0, None) => {
            // Python takes no leading zeros here.
            let leading_zero = digits.starts_with('0') && !digits.bytes().all(|b| matches!(b, b'0' | b'_'));
            if leading_zero {
                return Ok(None);
            }
            (10, digits)
        }
        (base, Some(prefix)) if base == prefix => (base, after_prefix(digits)),
        (base, _) => (base, digits),
    };
    if digits.starts_with(['+', '-']) || digits.is_empty() {
        return Ok(None);
    }
    let Some(digits) = without_underscores(digits) else { return Ok(None) };
    if !digits.chars().all(|c| c.is_digit(base)) {
        return Ok(None);
    }
    let signed = if negative { format!("-{digits}") } else { digits };
    i128::from_str_radix(&signed, base).map(Some).map_err(|_| too_large())
}

/// The digits behind `0x`, of which the first may be behind an underscore.
fn after_prefix(digits: &str) -> &str {
    digits[2..].strip_prefix('_').unwrap_or(&digits[2..])
}

/// Underscores may stand between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let fits = |at: usize| bytes[at] != b'_' || is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    (0..bytes.len()).all(fits).then(|| text.replace('_', ""))
}

fn check_ascii(text: &str) -> Result<(), Error> {
    if text.is_ascii() { Ok(()) } else { Err(failed("a number in digits beyond ASCII")) }
}

/// The error for integers that need more than 128 bits.
pub(super) fn too_large() -> Error {
    failed("an integer of more than 128 bits")
}

/// `round(number, digits)`: halves to even.
pub(in super::super) fn round(number: Number, digits: i128) -> Result<Value, Error> {
    match number {
        Number::Int(number) if digits >= 0 => Ok(int(number)),
        Number::Int(number) => {
            let unit = u32::try_from(-digits).ok().and_then(|digits| 10_i128.checked_pow(digits));
            let unit = unit.ok_or_else(too_large)?;
            let (low, rest) = (number.div_euclid(unit), number.rem_euclid(unit));
            let up = rest * 2 > unit || rest * 2 == unit && low % 2 != 0;
            (low + i128::from(up)).checked_mul(unit).map(int).ok_or_else(too_large)
        }
        Number::Float(number) if digits > 300 || !number.is_finite() => Ok(Value::from(number)),
        Number::Float(number) if digits >= 0 => {
            let text = format!("{number:.*}", digits as usize);
            Ok(Value::from(text.parse::<f64>().unwrap_or(number)))
        }
        Number::Float(_) => Err(failed("a float rounded to less than whole numbers")),
    }
}
