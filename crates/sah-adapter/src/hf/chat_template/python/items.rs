//! Attributes, items, slices, membership.

use minijinja::{Error, State, Value};

use super::containers::Part;
use super::operators::{any_equal, has_key};
use super::{Kind, Range, as_int, as_text, equal, failed, int, iterate, list, tuple};

/// Names that Python's types have; a method that is not called has no text that could be repeated.
fn own_attributes(kind: Kind<'_>) -> &'static [&'static str] {
    const INT: &[&str] = &[
        "as_integer_ratio",
        "bit_count",
        "bit_length",
        "conjugate",
        "denominator",
        "from_bytes",
        "imag",
        "is_integer",
        "numerator",
        "real",
        "to_bytes",
    ];
    match kind {
        Kind::Text(_) => &[
            "capitalize",
            "casefold",
            "center",
            "count",
            "encode",
            "endswith",
            "expandtabs",
            "find",
            "format",
            "format_map",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdecimal",
            "isdigit",
            "isidentifier",
            "islower",
            "isnumeric",
            "isprintable",
            "isspace",
            "istitle",
            "isupper",
            "join",
            "ljust",
            "lower",
            "lstrip",
            "maketrans",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rindex",
            "rjust",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "translate",
            "upper",
            "zfill",
        ],
        Kind::List(_) => &[
            "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
            "sort",
        ],
        Kind::Tuple(_) | Kind::Group(_) => &["count", "index"],
        Kind::Dict(_) => &[
            "clear",
            "copy",
            "fromkeys",
            "get",
            "items",
            "keys",
            "pop",
            "popitem",
            "setdefault",
            "update",
            "values",
        ],
        Kind::Bool(_) | Kind::Int(_) => INT,
        Kind::Float(_) => {
            &["as_integer_ratio", "conjugate", "fromhex", "from_number", "hex", "imag", "is_integer", "real"]
        }
        Kind::Range(_) => &["count", "index", "start", "step", "stop"],
        Kind::View(_) => &["isdisjoint", "mapping"],
        Kind::Generator(_) => {
            &["close", "gi_code", "gi_frame", "gi_running", "gi_suspended", "gi_yieldfrom", "send", "throw"]
        }
        Kind::Undefined | Kind::None | Kind::Other => &[],
    }
}

/// Whether Python's type of `value` has an attribute of this name.
fn has_attribute(value: &Value, name: &str) -> bool {
    own_attributes(Kind::of(value)).contains(&name)
        || name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// `value.name`: the attribute, else the item.
pub(in super::super) fn attribute(value: &Value, name: &str) -> Result<Value, Error> {
    let kind = Kind::of(value);
    match (kind, name) {
        (Kind::Undefined, _) => return Err(undefined(name)),
        (Kind::Group(group), "grouper") => return Ok(group.items()[0].clone()),
        (Kind::Group(group), "list") => return Ok(group.items()[1].clone()),
        _ if has_attribute(value, name) => {
            return Err(failed(format!("`.{name}` of '{}', which is not called", kind.name())));
        }
        _ => {}
    }
    Ok(match kind {
        Kind::Dict(dict) => dict.get(name).cloned().unwrap_or_default(),
        Kind::Other => value.get_attr(name)?,
        _ => Value::UNDEFINED,
    })
}

/// `value[key]`: the item, else the attribute.
pub(in super::super) fn item(value: &Value, key: &Value) -> Result<Value, Error> {
    let kind = Kind::of(value);
    let found = match (kind, Kind::of(key)) {
        (Kind::Undefined, _) => return Err(undefined("[]")),
        (Kind::Dict(dict), _) => match has_key(dict, key) {
            Ok(true) => dict.0.get(key).cloned(),
            // A key that cannot be one is not in it.
            Ok(false) | Err(_) => None,
        },
        (_, Kind::Int(_) | Kind::Bool(_)) => {
            let at = as_int(key)?;
            match kind {
                Kind::Text(_) => as_text(value)?.chars().nth_signed(at).map(Value::from),
                Kind::List(items) | Kind::Tuple(items) => items.iter().cloned().nth_signed(at),
                Kind::Group(group) => group.items().iter().cloned().nth_signed(at),
                Kind::Range(range) => range.iter().map(int).nth_signed(at),
                Kind::Other => return Ok(value.get_item(key).unwrap_or_default()),
                _ => None,
            }
        }
        _ => None,
    };
    match (found, Kind::of(key)) {
        (Some(found), _) => Ok(found),
        (None, Kind::Text(name)) => match kind {
            Kind::Dict(_) if !has_attribute(value, name) => Ok(Value::UNDEFINED),
            _ => attribute(value, name),
        },
        (None, _) => Ok(Value::UNDEFINED),
    }
}

fn undefined(name: &str) -> Error {
    failed(format!("`{name}` of a value that is undefined"))
}

/// By a position that counts from the end where it is negative.
trait NthSigned: Iterator {
    fn nth_signed(self, at: i128) -> Option<Self::Item>;
}

impl<I: DoubleEndedIterator> NthSigned for I {
    fn nth_signed(mut self, at: i128) -> Option<Self::Item> {
        match usize::try_from(at) {
            Ok(at) => self.nth(at),
            Err(_) => self.nth_back(usize::try_from(-1 - at).ok()?),
        }
    }
}

/// `value[start:stop:step]`; `None` for what is left out.
pub(in super::super) fn slice(
    state: &State<'_, '_>,
    value: &Value,
    [start, end, by]: [&Value; 3],
) -> Result<Value, Error> {
    let kind = Kind::of(value);
    let length = match kind {
        Kind::Undefined => return Err(undefined("[:]")),
        Kind::Text(_) | Kind::List(_) | Kind::Tuple(_) | Kind::Range(_) => super::length(value)?,
        _ => return Err(failed(format!("a slice of '{}'", kind.name()))),
    };
    let bound = |value: &Value| match Kind::of(value) {
        Kind::None => Ok(None),
        _ => as_int(value).map(Some),
    };
    let by = bound(by)?.unwrap_or(1);
    if by == 0 {
        return Err(failed("slice step cannot be zero"));
    }
    let chosen = Bounds { start: bound(start)?, stop: bound(end)?, step: by }.within(length);
    let cost = if matches!(kind, Kind::Text(_)) { 64 } else { 2 };
    state.consume_fuel(chosen.len() as u64 / cost)?;
    let (from, count) = (chosen.start, chosen.len());
    let chosen_range = chosen;
    let chosen = chosen.iter().map(|at| at as usize);
    Ok(match kind {
        Kind::Text(_) if by == 1 => {
            let letters = as_text(value)?.chars().skip(from as usize).take(count);
            Value::from(letters.collect::<String>())
        }
        Kind::Text(_) => {
            let letters: Vec<char> = as_text(value)?.chars().collect();
            Value::from(chosen.map(|at| letters[at]).collect::<String>())
        }
        Kind::List(items) => list(chosen.map(|at| items[at].clone()).collect()),
        Kind::Tuple(items) => tuple(chosen.map(|at| items[at].clone()).collect()),
        Kind::Range(range) => {
            let of = |at: i128| range.start + range.step * at;
            Value::from_object(Range {
                start: of(chosen_range.start),
                stop: of(chosen_range.stop),
                step: range.step * chosen_range.step,
            })
        }
        _ => Value::UNDEFINED,
    })
}

/// The bounds of a slice as they are written.
struct Bounds {
    start: Option<i128>,
    stop: Option<i128>,
    step: i128,
}

impl Bounds {
    /// The positions that they choose among `length`, as `slice.indices` of Python.
    fn within(&self, length: usize) -> Range {
        let length = length as i128;
        let (lowest, highest) = if self.step > 0 { (0, length) } else { (-1, length - 1) };
        let clamp = |bound: i128| {
            if bound < 0 { (bound + length).max(lowest) } else { bound.min(highest) }
        };
        let (first, last) = if self.step > 0 { (lowest, highest) } else { (highest, lowest) };
        Range { start: self.start.map_or(first, clamp), stop: self.stop.map_or(last, clamp), step: self.step }
    }
}

/// `wanted in container`.
pub(in super::super) fn contains(container: &Value, wanted: &Value) -> Result<bool, Error> {
    match Kind::of(container) {
        Kind::Text(text) => match Kind::of(wanted) {
            Kind::Text(wanted) => Ok(text.contains(wanted)),
            kind => Err(failed(format!("'{}' in a text", kind.name()))),
        },
        Kind::Dict(dict) => has_key(dict, wanted),
        Kind::View(view) => match (view.part, Kind::of(wanted)) {
            (Part::Keys, _) => has_key(&view.dict, wanted),
            (Part::Values, _) => any_equal(&view.items(), wanted),
            (Part::Items, Kind::Tuple([key, value])) => {
                let is_key = has_key(&view.dict, key)?;
                if is_key { equal(&view.dict.0[key], value) } else { Ok(false) }
            }
            (Part::Items, _) => Ok(false),
        },
        Kind::Generator(generator) => {
            while let Some(item) = generator.next() {
                if equal(&item, wanted)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => any_equal(&iterate(container)?, wanted),
    }
}
