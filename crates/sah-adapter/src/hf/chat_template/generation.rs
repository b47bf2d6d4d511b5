//! `{% generation %}` blocks, with which templates mark the model's own words for training.
//!
//! transformers gives such a block its content and a scope of its own. So does `{% with %}`, which replaces it before
//! the template is parsed.

use std::borrow::Cow;

/// `source` with every generation block as a `with` block.
pub(super) fn as_with_blocks(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        text.push_str(before);
        let tag = Tag::at(from);
        match tag.kind {
            Kind::Block("generation") => text.push_str(&tag.text.replacen("generation", "with", 1)),
            Kind::Block("endgeneration") => text.push_str(&tag.text.replacen("endgeneration", "endwith", 1)),
            _ => text.push_str(tag.text),
        }
        rest = &from[tag.text.len()..];
        if tag.kind == Kind::Block("raw") {
            let end = end_of_raw(rest);
            text.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// What begins with a brace.
struct Tag<'a> {
    kind: Kind<'a>,
    /// All of it, delimiters included; to the end of the source where it is not closed.
    text: &'a str,
}

#[derive(PartialEq, Eq)]
enum Kind<'a> {
    /// `{% word ... %}`; the word is the whole inside for the blocks that are looked for.
    Block(&'a str),
    /// An expression or a comment.
    Other,
    /// A brace that opens nothing.
    Text,
}

impl<'a> Tag<'a> {
    fn at(from: &'a str) -> Self {
        let close = match from.as_bytes().get(1) {
            Some(b'%') => "%}",
            Some(b'{') => "}}",
            Some(b'#') => "#}",
            _ => return Self { kind: Kind::Text, text: &from[..1] },
        };
        let inside = &from[2..];
        let end = if close == "#}" { inside.find(close) } else { end_of_code(inside, close) };
        let end = end.unwrap_or(inside.len());
        let text = &from[..(2 + end + close.len()).min(from.len())];
        let word = inside[..end].trim_matches(['-', '+']).trim();
        Self { kind: if close == "%}" { Kind::Block(word) } else { Kind::Other }, text }
    }
}

/// Where `close` first stands outside quotes.
fn end_of_code(code: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in code.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if code[at..].starts_with(close) => return Some(at),
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
    }
    None
}

/// Where the block that ends raw text begins; the end of the source where there is none.
fn end_of_raw(text: &str) -> usize {
    let opens = text.match_indices("{%").map(|(at, _)| at);
    let ends = |at: &usize| text[at + 2..].trim_start_matches(['-', '+']).trim_start().starts_with("endraw");
    opens.into_iter().find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::as_with_blocks;

    #[test]
    fn only_the_blocks_are_replaced() {
        for (source, expected) in [
            ("{% generation %}x{% endgeneration %}", "{% with %}x{% endwith %}"),
            ("{%- generation -%}x{%+endgeneration+%}", "{%- with -%}x{%+endwith+%}"),
            ("{{ '{% generation %}' }}", "{{ '{% generation %}' }}"),
            ("{# {% generation %} #}{% generation %}", "{# {% generation %} #}{% with %}"),
            (
                "{% raw %}{% generation %}{% endraw %}{%generation%}",
                "{% raw %}{% generation %}{% endraw %}{%with%}",
            ),
            ("{% if generation %}generation", "{% if generation %}generation"),
            ("{% set x = '%}' %}{% generation %}", "{% set x = '%}' %}{% with %}"),
            ("{ {% generation", "{ {% with"),
            ("{% raw %}{% generation %}{", "{% raw %}{% generation %}{"),
            ("ü{ generation {", "ü{ generation {"),
        ] {
            assert_eq!(as_with_blocks(source), expected, "{source}");
        }
    }
}
