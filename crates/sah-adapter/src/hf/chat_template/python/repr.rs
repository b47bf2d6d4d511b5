//! `str` and `repr`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use minijinja::{Error, Value};
use regex::Regex;

use super::containers::Part;
use super::{Kind, MAX_DEPTH, failed, float_repr};

/// `str(value)`.
pub(in super::super) fn text(value: &Value) -> Result<String, Error> {
    match Kind::of(value) {
        Kind::Undefined => Ok(String::new()),
        Kind::Text(text) => Ok(text.to_owned()),
        _ => repr(value),
    }
}

/// `repr(value)`.
pub(in super::super) fn repr(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write(value, 0, &mut out)?;
    Ok(out)
}

fn write(value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(failed("a value that is nested too deeply"));
    }
    match Kind::of(value) {
        Kind::Undefined => out.push_str("Undefined"),
        Kind::None => out.push_str("None"),
        Kind::Bool(value) => out.push_str(if value { "True" } else { "False" }),
        Kind::Int(number) => push(out, &number),
        Kind::Float(number) => out.push_str(&float_repr(number)),
        Kind::Text(text) if value.is_safe() => {
            out.push_str("Markup(");
            quote(text, out);
            out.push(')');
        }
        Kind::Text(text) => quote(text, out),
        Kind::List(items) => write_items(["[", "]"], items, depth, out)?,
        Kind::Tuple([only]) => {
            out.push('(');
            write(only, depth + 1, out)?;
            out.push_str(",)");
        }
        Kind::Tuple(items) => write_items(["(", ")"], items, depth, out)?,
        Kind::Group(group) => write_items(["(", ")"], group.items(), depth, out)?,
        Kind::Dict(dict) => {
            out.push('{');
            for (i, (key, value)) in dict.0.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write(key, depth + 1, out)?;
                out.push_str(": ");
                write(value, depth + 1, out)?;
            }
            out.push('}');
        }
        Kind::View(view) => {
            let open = match view.part {
                Part::Keys => "dict_keys([",
                Part::Values => "dict_values([",
                Part::Items => "dict_items([",
            };
            write_items([open, "])"], &view.items(), depth, out)?;
        }
        Kind::Range(range) => {
            push(out, &format_args!("range({}, {}", range.start, range.stop));
            if range.step != 1 {
                push(out, &format_args!(", {}", range.step));
            }
            out.push(')');
        }
        kind @ (Kind::Generator(_) | Kind::Other) => {
            return Err(failed(format!("the text of '{}', which is its place in memory", kind.name())));
        }
    }
    Ok(())
}

fn write_items(
    [open, close]: [&str; 2],
    items: &[Value],
    depth: usize,
    out: &mut String,
) -> Result<(), Error> {
    out.push_str(open);
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        write(item, depth + 1, out)?;
    }
    out.push_str(close);
    Ok(())
}

fn push(out: &mut String, what: &impl std::fmt::Display) {
    // A String takes everything.
    let _ = write!(out, "{what}");
}

/// A text in quotes, with escapes for what cannot be printed.
fn quote(text: &str, out: &mut String) {
    static UNPRINTABLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{C}\p{Z}]$").expect("a constant pattern"));
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if c.is_ascii() || UNPRINTABLE.is_match(c.encode_utf8(&mut [0; 4])) => match u32::from(c) {
                code @ ..=0xff => push(out, &format_args!("\\x{code:02x}")),
                code @ ..=0xffff => push(out, &format_args!("\\u{code:04x}")),
                code => push(out, &format_args!("\\U{code:08x}")),
            },
            c => out.push(c),
        }
    }
    out.push(quote);
}
