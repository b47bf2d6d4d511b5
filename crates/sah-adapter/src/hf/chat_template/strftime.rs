//! `strftime_now`, with which templates write today's date.

use chrono::format::{Item, StrftimeItems};
use chrono::{Local, NaiveDateTime};

/// The present local time in the form that `format` asks for, as Python's `datetime.now().strftime(format)`.
#[expect(clippy::needless_pass_by_value, reason = "the form that functions have")]
pub(super) fn strftime_now(format: String) -> String {
    strftime(Local::now().naive_local(), &format)
}

/// `format` with every directive replaced as Python does it on Linux, in English. What is no directive stays as it is
/// written.
fn strftime(at: NaiveDateTime, format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        let (before, from) = rest.split_at(start);
        text.push_str(before);
        let length = directive_length(from);
        let (directive, after) = from.split_at(length);
        text.push_str(&replaced(at, directive));
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Bytes of the directive that `from` begins with: the sign, a flag that leaves out padding, the letter.
fn directive_length(from: &str) -> usize {
    let mut letters = from.char_indices().skip(1);
    match letters.next() {
        Some((_, '-')) => {}
        Some((at, letter)) => return at + letter.len_utf8(),
        None => return from.len(),
    }
    letters.next().map_or(from.len(), |(at, letter)| at + letter.len_utf8())
}

fn replaced(at: NaiveDateTime, directive: &str) -> String {
    const KNOWN: &str = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyY%";
    match directive.chars().last() {
        // A time that knows no zone has no name and no offset of one.
        Some('z' | 'Z') if directive.len() == 2 => String::new(),
        Some('f') if directive.len() == 2 => format!("{:06}", at.and_utc().timestamp_subsec_micros()),
        Some(letter) if directive.len() > 1 && KNOWN.contains(letter) => {
            let items: Vec<Item<'_>> = StrftimeItems::new(directive).collect();
            if items.contains(&Item::Error) {
                return directive.to_owned();
            }
            at.format_with_items(items.into_iter()).to_string()
        }
        _ => directive.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The goldens are what Python gives, see `tests/reference/templates.py`.
    #[test]
    fn directives_are_those_of_python() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/strftime.json");
        for golden in crate::hf::json::read(&path).unwrap().as_array().unwrap() {
            let at = golden["at"].as_str().unwrap().parse().unwrap();
            let format = golden["format"].as_str().unwrap();
            assert_eq!(strftime(at, format), golden["text"].as_str().unwrap(), "{format}");
        }
    }

    #[test]
    fn now_is_now() {
        let before = Local::now().naive_local();
        let text = strftime_now("%Y-%m-%dT%H:%M:%S.%f".into());
        let now: NaiveDateTime = text.parse().unwrap();
        let late = chrono::TimeDelta::seconds(60);
        assert!(now >= before - late && now <= before + late, "{text}");
    }
}
