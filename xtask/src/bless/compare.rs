//! How far a new golden is from the old one.

/// Processors round differently: a number that differs by no more than this, relative to 1 or to itself where it is
/// larger, says nothing new.
const ROUNDING: f64 = 2e-4;

/// What became of a golden.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Change {
    /// The same bytes.
    Unchanged,
    /// JSON whose floating-point numbers differ by rounding, at most by this much, and nothing else does.
    Rounding(f64),
    /// Anything else.
    Changed,
}

/// Compares the bytes of a golden with those that it had.
pub(super) fn compare(old: &[u8], new: &[u8]) -> Change {
    if old == new {
        return Change::Unchanged;
    }
    let (Ok(old), Ok(new)) = (std::str::from_utf8(old), std::str::from_utf8(new)) else {
        return Change::Changed;
    };
    match largest_difference(old, new) {
        Some(difference) if difference <= ROUNDING => Change::Rounding(difference),
        _ => Change::Changed,
    }
}

/// `None` where something else than a floating-point number differs.
fn largest_difference(old: &str, new: &str) -> Option<f64> {
    let (mut old, mut new) = (Tokens(old), Tokens(new));
    let mut largest: f64 = 0.0;
    loop {
        match (old.next(), new.next()) {
            (None, None) => return Some(largest),
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let (a, b) = (floating_point(a)?, floating_point(b)?);
                largest = largest.max((a - b).abs() / a.abs().max(1.0));
            }
            _ => return None,
        }
    }
}

fn floating_point(token: &str) -> Option<f64> {
    token.contains(['.', 'e']).then(|| token.parse().ok())?
}

/// The strings, numbers and single other characters of a JSON text.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.0.chars().next()?;
        let length = match first {
            '"' => end_of_string(self.0),
            '-' | '0'..='9' => {
                let number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
                self.0.find(|c| !number(c)).unwrap_or(self.0.len())
            }
            _ => first.len_utf8(),
        };
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(token)
    }
}

fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Change, compare};

    fn check(old: &str, new: &str) -> Change {
        compare(old.as_bytes(), new.as_bytes())
    }

    #[test]
    fn floating_point_numbers_may_be_rounded_differently() {
        assert_eq!(check("{\"a\": [1.5, 2]}", "{\"a\": [1.5, 2]}"), Change::Unchanged);
        let Change::Rounding(difference) = check("[1.5, -20.0, 1e-7]", "[1.50001, -20.001, 2e-7]") else {
            panic!()
        };
        assert!((difference - 5e-5).abs() < 1e-9, "{difference}");
    }

    #[test]
    fn all_else_is_a_change() {
        for (old, new) in [
            ("[1.5]", "[1.6]"),
            ("[1000]", "[1001]"),
            ("[1.5]", "[1.5, 2.5]"),
            ("{\"a\": 1.5}", "{\"b\": 1.5}"),
            ("[\"1.00001\"]", "[\"1.00002\"]"),
            ("[\"a \\\" 1.00001\"]", "[\"a \\\" 1.00002\"]"),
        ] {
            assert_eq!(check(old, new), Change::Changed, "{old} {new}");
        }
        assert_eq!(compare(b"\xff1.0", b"\xff1.00001"), Change::Changed);
    }
}
