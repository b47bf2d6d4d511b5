//! Strings of literals.

use super::Literal;

/// The string at the beginning of `source` with its prefix, and its length in bytes; `None` where there is none.
pub(super) fn read(source: &str) -> Option<Result<(usize, Literal), &'static str>> {
    let letters = source.find(['\'', '"'])?;
    let prefix = source[..letters].to_ascii_lowercase();
    let (is_raw, is_bytes, is_format) = match prefix.as_str() {
        "" | "u" => (false, false, false),
        "r" => (true, false, false),
        "b" => (false, true, false),
        "br" | "rb" => (true, true, false),
        "f" => (false, false, true),
        "fr" | "rf" => (true, false, true),
        _ => return None,
    };
    let mark = &source[letters..];
    let quote = mark.chars().next()?;
    let triple = mark.len() >= 3 && mark.chars().take(3).all(|c| c == quote);
    let quotes = if triple { 3 } else { 1 };
    let inner = &mark[quotes..];
    let Some(length) = closing(inner, quote, triple) else { return Some(Err("a string without an end")) };
    let body = &inner[..length];
    let whole = letters + 2 * quotes + length;
    if is_format && body.contains(['{', '}']) {
        return Some(Err("a formatted string"));
    }
    if is_bytes && !body.is_ascii() {
        return Some(Err("bytes that are not ASCII"));
    }
    let text = if is_raw { Some(body.to_owned()) } else { unescape(body, is_bytes) };
    Some(match text {
        None => Err("an escape that is none"),
        // Of bytes every character is one.
        Some(text) if is_bytes => Ok((whole, Literal::Bytes(text.chars().map(|c| c as u8).collect()))),
        Some(text) => Ok((whole, Literal::Text(text))),
    })
}

/// Where the string ends that begins here.
fn closing(inner: &str, quote: char, triple: bool) -> Option<usize> {
    let mut characters = inner.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            characters.next();
        } else if c == quote && (!triple || inner[at..].chars().take(3).filter(|&c| c == quote).count() == 3)
        {
            return Some(at);
        } else if c == '\n' && !triple {
            return None;
        }
    }
    None
}

/// With escapes replaced; `None` for a faulty one.
fn unescape(body: &str, is_bytes: bool) -> Option<String> {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let c = rest.chars().next()?;
        let code = &rest[c.len_utf8()..];
        rest = code;
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            '0'..='7' => {
                let more = code.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let octal = format!("{c}{}", &code[..more]);
                let value = u32::from_str_radix(&octal, 8).ok()?;
                out.push(char::from_u32(if is_bytes { value & 0xff } else { value })?);
                rest = &code[more..];
            }
            'x' => rest = hexadecimal(code, 2, &mut out)?,
            'u' if !is_bytes => rest = hexadecimal(code, 4, &mut out)?,
            'U' if !is_bytes => rest = hexadecimal(code, 8, &mut out)?,
            // A character by its name: Python's list of names is not here.
            'N' if !is_bytes => return None,
            _ => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Pushes the character whose code `digits` hexadecimal digits give, and returns what follows them.
fn hexadecimal<'a>(code: &'a str, digits: usize, out: &mut String) -> Option<&'a str> {
    let value = code.get(..digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let value = u32::from_str_radix(value, 16).ok()?;
    let is_surrogate = matches!(value, 0xd800..=0xdfff);
    out.push(if is_surrogate { char::REPLACEMENT_CHARACTER } else { char::from_u32(value)? });
    Some(&code[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Option<String> {
        match read(source)?.ok()? {
            (length, Literal::Text(text)) if length == source.len() => Some(text),
            _ => None,
        }
    }

    #[test]
    fn strings_have_their_quotes_and_escapes() {
        for (source, value) in [
            ("'a\"b'", "a\"b"),
            (r#""it\'s""#, "it's"),
            (r"'\x41\u00e9\U0001F600\101\0'", "Aé😀A\0"),
            (r"'\d\/'", r"\d\/"),
            ("'a\\\nb'", "ab"),
            (r"r'\n'", r"\n"),
            (r"'\ud83d'", "\u{fffd}"),
            ("'''a\n'b'\"'''", "a\n'b'\""),
            ("\"\"", ""),
            ("F'a'", "a"),
        ] {
            assert_eq!(text(source).as_deref(), Some(value), "{source}");
        }
        for source in
            ["'a", "'a\nb'", r"'\x4'", r"'\u12'", r"'\U00110000'", "x'a'", "'''a''", "f'{a}'", r"'\'"]
        {
            assert_eq!(text(source), None, "{source}");
        }
        assert_eq!(read(r"b'\xff\u00e9'"), Some(Ok((13, Literal::Bytes(b"\xff\\u00e9".to_vec())))));
    }
}
