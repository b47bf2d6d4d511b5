//! Numbers and texts in a width and a precision: what `format` and `%` have in common.

use minijinja::{Error, State};

use super::numbers::with_exponent;
use super::{Number, failed};

/// Where a text stands in its width.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
    Centre,
    /// Behind the sign.
    Inside,
}

/// How a number or a text is written.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) fill: char,
    pub(super) align: Option<Align>,
    /// `+`, `-` or a space.
    pub(super) sign: char,
    /// `#`.
    pub(super) alternate: bool,
    pub(super) width: usize,
    /// `,` or `_` between groups of digits.
    pub(super) group: Option<char>,
    pub(super) precision: Option<usize>,
    /// The letter at its end.
    pub(super) kind: Option<char>,
}

impl Spec {
    pub(super) const PLAIN: Self = Self {
        fill: ' ',
        align: None,
        sign: '-',
        alternate: false,
        width: 0,
        group: None,
        precision: None,
        kind: None,
    };

    /// A text, cut to the precision.
    pub(super) fn text(&self, state: &State<'_, '_>, text: &str) -> Result<String, Error> {
        let cut: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        self.padded(state, "", &cut, Align::Left)
    }

    /// A number, as the letter says.
    pub(super) fn number(&self, state: &State<'_, '_>, number: Number) -> Result<String, Error> {
        let (negative, digits) = match (number, self.kind) {
            (Number::Int(number), None | Some('d' | 'b' | 'o' | 'x' | 'X')) => {
                (number < 0, self.integer(number.unsigned_abs())?)
            }
            (number, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => self.float(number.as_float())?,
            (Number::Float(number), None) if self.precision.is_none() => {
                let text = super::float_repr(number.abs());
                (number.is_sign_negative() && !number.is_nan(), text)
            }
            (number, kind) => return Err(failed(format!("the format {kind:?} of {number:?}"))),
        };
        let sign = match (negative, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            _ => "",
        };
        let prefix = match self.kind {
            Some('x') if self.alternate => "0x",
            Some('X') if self.alternate => "0X",
            Some('o') if self.alternate => "0o",
            Some('b') if self.alternate => "0b",
            _ => "",
        };
        let digits = self.grouped(digits)?;
        self.padded(state, &format!("{sign}{prefix}"), &digits, Align::Right)
    }

    fn integer(&self, size: u128) -> Result<String, Error> {
        if self.precision.is_some() {
            return Err(failed("a precision for an integer"));
        }
        Ok(match self.kind {
            Some('b') => format!("{size:b}"),
            Some('o') => format!("{size:o}"),
            Some('x') => format!("{size:x}"),
            Some('X') => format!("{size:X}"),
            _ => size.to_string(),
        })
    }

    /// The sign of a float, and its digits.
    fn float(&self, number: f64) -> Result<(bool, String), Error> {
        let kind = self.kind.unwrap_or('g');
        if self.alternate {
            return Err(failed("`#` in the format of a float"));
        }
        let precision = self.precision.unwrap_or(6);
        if precision > 500 {
            return Err(failed("a precision of more than 500 digits"));
        }
        let negative = number.is_sign_negative() && !number.is_nan();
        let size = number.abs();
        let mut text = match kind.to_ascii_lowercase() {
            kind if !size.is_finite() => {
                let percent = if kind == '%' { "%" } else { "" };
                format!("{}{percent}", if size.is_nan() { "nan" } else { "inf" })
            }
            'f' => format!("{size:.precision$}"),
            '%' => format!("{:.precision$}%", size * 100.0),
            'e' => with_exponent(&format!("{size:.precision$e}")),
            _ => general(size, precision.max(1)),
        };
        if kind.is_ascii_uppercase() {
            text.make_ascii_uppercase();
        }
        Ok((negative, text))
    }

    /// With a separator between groups of digits.
    fn grouped(&self, digits: String) -> Result<String, Error> {
        let Some(separator) = self.group else { return Ok(digits) };
        if !matches!(self.kind, None | Some('d' | 'f' | 'F')) || self.align == Some(Align::Inside) {
            return Err(failed("a separator of groups in this format"));
        }
        let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
        if !whole.bytes().all(|b| b.is_ascii_digit()) {
            return Err(failed("a separator of groups in this format"));
        }
        let mut out = String::new();
        for (at, digit) in whole.char_indices() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                out.push(separator);
            }
            out.push(digit);
        }
        Ok(out + rest)
    }

    /// `sign` and `body` in the width.
    fn padded(&self, state: &State<'_, '_>, sign: &str, body: &str, align: Align) -> Result<String, Error> {
        let missing = self.width.saturating_sub(sign.len() + body.chars().count());
        // Paid for before it exists; without a budget templates could ask for any amount.
        state.consume_fuel(missing as u64 / 16)?;
        let pad = |count: usize| String::from(self.fill).repeat(count);
        Ok(match self.align.unwrap_or(align) {
            Align::Left => format!("{sign}{body}{}", pad(missing)),
            Align::Right => format!("{}{sign}{body}", pad(missing)),
            Align::Centre => format!("{}{sign}{body}{}", pad(missing / 2), pad(missing - missing / 2)),
            Align::Inside => format!("{sign}{}{body}", pad(missing)),
        })
    }
}

/// `g`: so many digits that count, without zeros at the end.
fn general(size: f64, digits: usize) -> String {
    let exponential = format!("{size:.*e}", digits - 1);
    let exponent = exponential.split_once('e').and_then(|(_, exponent)| exponent.parse::<i64>().ok());
    let exponent = exponent.unwrap_or(0);
    let without_zeros = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if (-4..digits as i64).contains(&exponent) {
        let behind = (digits as i64 - 1 - exponent).max(0) as usize;
        return without_zeros(&format!("{size:.behind$}"));
    }
    let (mantissa, _) = exponential.split_once('e').unwrap_or((&exponential, ""));
    with_exponent(&format!("{}e{exponent}", without_zeros(mantissa)))
}
