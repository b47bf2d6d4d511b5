//! Control characters, made visible.

use std::borrow::Cow;

/// `text` with signs in the place of control characters and of those that turn the direction of writing: what data and models
/// say must not steer a terminal, break an XML file or look like something else. Line feeds and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut characters = text.chars().peekable();
    let mut visible = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        match character {
            // The end of a line, as some systems write it.
            '\r' if characters.peek() == Some(&'\n') => {}
            hidden if is_hidden(hidden) => visible.push(sign(hidden)),
            other => visible.push(other),
        }
    }
    Cow::Owned(visible)
}

fn is_hidden(character: char) -> bool {
    let turns =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_no_xml = matches!(character, '\u{fffe}' | '\u{ffff}');
    turns || is_no_xml || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// The picture that Unicode has for it, or the sign for a character that is not known.
fn sign(character: char) -> char {
    match character {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + character as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_become_signs() {
        assert_eq!(visible("one\r\ntwo\r"), "one\ntwo\u{240d}");
        assert_eq!(visible("plain\n\t\u{4e2d}"), "plain\n\t\u{4e2d}");
        assert_eq!(visible("\u{1b}[31mred\u{7}\r"), "\u{241b}[31mred\u{2407}\u{240d}");
        assert_eq!(visible("\u{9b}2J\u{202e}txt\u{0}\u{7f}"), "\u{fffd}2J\u{fffd}txt\u{2400}\u{2421}");
    }
}
