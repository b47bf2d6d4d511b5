//! Numbers of literals, without a sign.

use super::Literal;

/// The number at the beginning of `source`, and its length in bytes.
pub(super) fn read(source: &str) -> Option<(usize, Literal)> {
    let (length, number) = based(source).or_else(|| decimal(source))?;
    // A number and a name do not touch.
    let touches = source[length..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
    (!touches).then_some((length, number))
}

/// `0x1f`, `0o17`, `0b1`.
fn based(source: &str) -> Option<(usize, Literal)> {
    let radix = match source.get(..2)?.to_ascii_lowercase().as_str() {
        "0x" => 16,
        "0o" => 8,
        "0b" => 2,
        _ => return None,
    };
    let rest = source[2..].strip_prefix('_').unwrap_or(&source[2..]);
    let digits = digits(rest, radix)?;
    let value = u128::from_str_radix(&rest[..digits].replace('_', ""), radix).ok()?;
    Some((source.len() - rest.len() + digits, Literal::Integer(value.to_string())))
}

fn decimal(source: &str) -> Option<(usize, Literal)> {
    let whole = digits(source, 10).unwrap_or(0);
    let mut end = whole;
    let mut is_float = false;
    if source[end..].starts_with('.') {
        let fraction = digits(&source[end + 1..], 10).unwrap_or(0);
        if whole + fraction == 0 {
            return None;
        }
        end += 1 + fraction;
        is_float = true;
    }
    if source[end..].starts_with(['e', 'E']) {
        let sign = usize::from(source[end + 1..].starts_with(['+', '-']));
        end += 1 + sign + digits(&source[end + 1 + sign..], 10)?;
        is_float = true;
    }
    let written = source[..end].replace('_', "");
    if source[end..].starts_with(['j', 'J']) {
        return Some((end + 1, Literal::Float(written.parse().ok()?)));
    }
    if is_float {
        return Some((end, Literal::Float(written.parse().ok()?)));
    }
    match written.trim_start_matches('0').len() {
        0 => Some((end, Literal::Integer("0".to_owned()))),
        // No leading zeros.
        significant => (significant == written.len()).then_some((end, Literal::Integer(written))),
    }
}

/// How long the digits are, which single underscores may part.
fn digits(source: &str, radix: u32) -> Option<usize> {
    let mut end = 0;
    for (at, c) in source.char_indices() {
        if c.is_digit(radix) {
            end = at + 1;
        } else if c != '_' || at != end || at == 0 {
            break;
        }
    }
    (end > 0).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_python_ends_them() {
        let integer = |digits: &str| Literal::Integer(digits.to_owned());
        for (source, expected) in [
            ("12]", Some((2, integer("12")))),
            ("1_2,", Some((3, integer("12")))),
            ("1.", Some((2, Literal::Float(1.0)))),
            ("1e-2 ", Some((4, Literal::Float(0.01)))),
            ("2j", Some((2, Literal::Float(2.0)))),
            ("0b101", Some((5, integer("5")))),
            (
                "12345678901234567890123456789012345678901234",
                Some((44, integer("12345678901234567890123456789012345678901234"))),
            ),
            ("0.0", Some((3, Literal::Float(0.0)))),
            ("07", None),
            ("1_", None),
            ("1e", None),
            (".", None),
            ("1.2.3", None),
            ("0xg", None),
        ] {
            assert_eq!(read(source), expected, "{source:?}");
        }
    }
}
