//! `{% generation %}` blocks, with which templates mark the model's own words for training.
//!
//! transformers gives such a block its content and a scope of its own. So does `{% with %}`, which replaces it before
//! the template is parsed.

use std::borrow::Cow;

use super::pieces::{Piece, pieces};

/// `source` with every generation block as a `with` block.
pub(super) fn as_with_blocks(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") && !source.contains("raw") {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    let mut after_raw = false;
    for piece in pieces(source) {
        // Jinja2 keeps a line feed behind `{% raw %}`, minijinja does not.
        if after_raw && piece.text().starts_with('\n') {
            text.push('\n');
        }
        after_raw = false;
        match piece {
            Piece::Code { whole, inside: "generation", is_block: true } => {
                text.push_str(&whole.replacen("generation", "with", 1));
            }
            Piece::Code { whole, inside: "endgeneration", is_block: true } => {
                text.push_str(&whole.replacen("endgeneration", "endwith", 1));
            }
            Piece::Code { whole, inside: "raw", is_block: true } => {
                text.push_str(whole);
                after_raw = !whole.ends_with("-%}");
            }
            piece => text.push_str(piece.text()),
        }
    }
    Cow::Owned(text)
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
            ("{{ {'a': {}} }}{% generation %}", "{{ {'a': {}} }}{% with %}"),
            ("{ {% generation", "{ {% with"),
            ("{% raw %}{% generation %}{", "{% raw %}{% generation %}{"),
            ("ü{ generation {", "ü{ generation {"),
        ] {
            assert_eq!(as_with_blocks(source), expected, "{source}");
        }
    }
}
