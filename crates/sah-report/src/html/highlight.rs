//! What of an answer is in the references.

use std::collections::HashSet;

/// A part of a text, and whether it is marked.
type Part<'a> = (&'a str, bool);

/// `answer` in parts: marked are the words that a reference has, too, whatever their case. A Chinese, Japanese or Korean
/// character is a word. What lies between two marked words is marked with them where it is white space.
pub(super) fn parts<'a>(answer: &'a str, references: &[String]) -> Vec<Part<'a>> {
    let known: HashSet<String> = references
        .iter()
        .flat_map(|reference| pieces(reference))
        .filter(|(_, is_word)| *is_word)
        .map(|(word, _)| word.to_lowercase())
        .collect();
    let marked: Vec<Part<'a>> = pieces(answer)
        .into_iter()
        .map(|(piece, is_word)| (piece, is_word && known.contains(&piece.to_lowercase())))
        .collect();
    let mut joined = marked.clone();
    for at in 1..marked.len().saturating_sub(1) {
        let between = marked[at - 1].1 && marked[at + 1].1 && marked[at].0.chars().all(char::is_whitespace);
        joined[at].1 |= between;
    }
    merge(answer, &joined)
}

/// Neighbours that are both marked, or both not, in one.
fn merge<'a>(text: &'a str, parts: &[Part<'a>]) -> Vec<Part<'a>> {
    let mut merged: Vec<Part<'a>> = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for (at, (part, is_marked)) in parts.iter().enumerate() {
        end += part.len();
        if parts.get(at + 1).is_none_or(|(_, next)| next != is_marked) {
            merged.push((&text[start..end], *is_marked));
            start = end;
        }
    }
    merged
}

/// Words, and what lies between them.
fn pieces(text: &str) -> Vec<(&str, bool)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before = Class::Between;
    for (at, character) in text.char_indices() {
        let class = Class::of(character);
        if at > start && (class != before || class == Class::Alone) {
            pieces.push((&text[start..at], before != Class::Between));
            start = at;
        }
        before = class;
    }
    if start < text.len() {
        pieces.push((&text[start..], before != Class::Between));
    }
    pieces
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Of a word with its neighbours.
    Letter,
    /// A word by itself.
    Alone,
    /// White space and signs.
    Between,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}' => Self::Alone,
            other if other.is_alphanumeric() => Self::Letter,
            _ => Self::Between,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    fn shown(answer: &str, references: &[&str]) -> String {
        let references: Vec<String> = references.iter().map(|&reference| reference.to_owned()).collect();
        let part =
            |(text, is_marked): (&str, bool)| if is_marked { format!("[{text}]") } else { text.to_owned() };
        parts(answer, &references).into_iter().map(part).collect()
    }

    #[test]
    fn words_of_the_references_are_marked() {
        assert_eq!(shown("It is New York, I think.", &["new york", "NYC"]), "It is [New York], I think.");
        assert_eq!(shown("Paragraph 12", &["Paragraph 1"]), "[Paragraph] 12");
        assert_eq!(shown("", &["x"]), "");
        assert_eq!(shown("nothing", &[]), "nothing");
        let chinese = "\u{6bb5}\u{843d}3\u{3002}\u{4e0d}";
        assert_eq!(shown(chinese, &["\u{6bb5}\u{843d}3"]), "[\u{6bb5}\u{843d}3]\u{3002}\u{4e0d}");
    }

    #[test]
    fn nothing_of_a_text_is_lost() {
        let text = "a-b \u{1f600}c\n d";
        let all: String =
            parts(text, &["b".to_owned(), "d".to_owned()]).into_iter().map(|(part, _)| part).collect();
        assert_eq!(all, text);
    }
}
