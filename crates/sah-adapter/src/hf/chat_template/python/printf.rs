//! `format % values`.

use minijinja::{Error, State, Value};

use super::spec::{Align, Spec};
use super::{Kind, Number, failed, int, repr, text};

/// The text `format` with `values` in it: a tuple, a dictionary for names, or one value.
pub(in super::super) fn printf(state: &State<'_, '_>, format: &str, values: &Value) -> Result<Value, Error> {
    let mut source = Source::new(values);
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (conversion, after) = Conversion::parse(&rest[at + 1..])?;
        out.push_str(&conversion.write(state, &mut source)?);
        rest = after;
    }
    out.push_str(rest);
    source.check_all_used()?;
    Ok(Value::from(out))
}

/// Where values come from.
struct Source<'a> {
    values: &'a Value,
    used: usize,
}

impl<'a> Source<'a> {
    fn new(values: &'a Value) -> Self {
        Self { values, used: 0 }
    }

    fn next(&mut self) -> Result<Value, Error> {
        let at = self.used;
        self.used += 1;
        let value = match Kind::of(self.values) {
            Kind::Tuple(items) => items.get(at).cloned(),
            _ => (at == 0).then(|| self.values.clone()),
        };
        value.ok_or_else(|| failed("not enough arguments for a format"))
    }

    fn named(&mut self, name: &str) -> Result<Value, Error> {
        let Kind::Dict(dict) = Kind::of(self.values) else {
            return Err(failed("a format with names needs a dict"));
        };
        dict.get(name).cloned().ok_or_else(|| failed(format!("a format lacks a value for {name:?}")))
    }

    fn check_all_used(&self) -> Result<(), Error> {
        let left = match Kind::of(self.values) {
            Kind::Tuple(items) => self.used < items.len(),
            // What could have been asked for names need not be.
            Kind::Dict(_) | Kind::List(_) | Kind::Range(_) => false,
            _ => self.used == 0,
        };
        if left { Err(failed("not all arguments of a format are used")) } else { Ok(()) }
    }
}

/// `%(name)-5.2f`.
struct Conversion<'a> {
    name: Option<&'a str>,
    spec: Spec,
    zero: bool,
    letter: char,
}

impl<'a> Conversion<'a> {
    /// Parses what is behind the sign.
    fn parse(mut rest: &'a str) -> Result<(Self, &'a str), Error> {
        let mut name = None;
        if let Some(inside) = rest.strip_prefix('(') {
            let end = inside.find(')').filter(|&end| !inside[..end].contains('('));
            let end = end.ok_or_else(|| failed("a name in a format that is not closed"))?;
            name = Some(&inside[..end]);
            rest = &inside[end + 1..];
        }
        let mut spec = Spec { align: Some(Align::Right), ..Spec::PLAIN };
        let (mut zero, mut left) = (false, false);
        while let Some(flag) = rest.chars().next().filter(|flag| "#0- +".contains(*flag)) {
            match flag {
                '#' => spec.alternate = true,
                '0' => zero = true,
                '-' => left = true,
                '+' => spec.sign = '+',
                _ if spec.sign != '+' => spec.sign = ' ',
                _ => {}
            }
            rest = &rest[1..];
        }
        if left {
            spec.align = Some(Align::Left);
            zero = false;
        }
        if rest.starts_with('*') {
            return Err(failed("`*` in a format"));
        }
        spec.width = digits(&mut rest)?.unwrap_or(0);
        if let Some(behind) = rest.strip_prefix('.') {
            rest = behind;
            if rest.starts_with('*') {
                return Err(failed("`*` in a format"));
            }
            spec.precision = Some(digits(&mut rest)?.unwrap_or(0));
        }
        let letter = rest.chars().next().ok_or_else(|| failed("an incomplete format"))?;
        Ok((Self { name, spec, zero, letter }, &rest[letter.len_utf8()..]))
    }

    fn write(&self, state: &State<'_, '_>, source: &mut Source<'_>) -> Result<String, Error> {
        if self.letter == '%' {
            let plain = self.spec.width == 0 && self.spec.precision.is_none() && self.name.is_none();
            return if plain { Ok("%".to_owned()) } else { Err(failed("a percent sign with a width")) };
        }
        let value = match self.name {
            Some(name) => source.named(name)?,
            None => source.next()?,
        };
        let mut spec = self.spec;
        match self.letter {
            's' => spec.text(state, &text(&value)?),
            'r' => spec.text(state, &repr(&value)?),
            'c' => Err(failed("`%c`")),
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                let number = Number::of(&value);
                let number =
                    number.ok_or_else(|| failed(format!("`%{}` of what is no number", self.letter)))?;
                let number = match (number, self.letter) {
                    (Number::Float(number), 'd' | 'i' | 'u') if number.abs() < 1e30 => {
                        Number::of(&int(number.trunc() as i128)).unwrap_or(Number::Float(number))
                    }
                    (Number::Float(_), 'd' | 'i' | 'u' | 'o' | 'x' | 'X') => {
                        return Err(failed(format!("`%{}` of a float", self.letter)));
                    }
                    (number, _) => number,
                };
                if matches!(number, Number::Int(_))
                    && spec.precision.is_some()
                    && "diuoxX".contains(self.letter)
                {
                    return Err(failed("a precision for an integer"));
                }
                spec.kind = Some(if matches!(self.letter, 'i' | 'u') { 'd' } else { self.letter });
                let finite = number.as_float().is_finite();
                if self.zero && finite {
                    (spec.fill, spec.align) = ('0', Some(Align::Inside));
                }
                spec.number(state, number)
            }
            other => Err(failed(format!("the format `%{other}`"))),
        }
    }
}

/// The digits at the start of `rest`, which loses them.
pub(super) fn digits(rest: &mut &str) -> Result<Option<usize>, Error> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(end);
    *rest = after;
    if number.is_empty() {
        return Ok(None);
    }
    number.parse().map(Some).map_err(|_| failed("too large a number in a format"))
}
