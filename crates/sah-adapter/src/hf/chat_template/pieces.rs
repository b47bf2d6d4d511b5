//! The pieces of a template's source: text, and what stands between delimiters.

/// A piece of a source. All pieces together are the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text between delimiters, what is in a raw block, or a comment.
    Text(&'a str),
    /// `{% ... %}` or `{{ ... }}`.
    Code {
        /// All of it, delimiters included; to the end of the source where it is not closed.
        whole: &'a str,
        /// What is between the delimiters and their signs for white space, trimmed.
        inside: &'a str,
        /// Whether it is `{% ... %}`.
        is_block: bool,
    },
}

/// The pieces of `source` in order.
pub(super) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let piece = first(from);
        pieces.push(piece);
        rest = &from[piece.text().len()..];
        if matches!(piece, Piece::Code { inside: "raw", is_block: true, .. }) {
            let (raw, after) = rest.split_at(end_of_raw(rest));
            pieces.push(Piece::Text(raw));
            rest = after;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

impl<'a> Piece<'a> {
    /// Its part of the source.
    pub(super) fn text(self) -> &'a str {
        match self {
            Self::Text(text) | Self::Code { whole: text, .. } => text,
        }
    }
}

/// What begins with the brace at the start of `from`.
fn first(from: &str) -> Piece<'_> {
    let (close, is_block) = match from.as_bytes().get(1) {
        Some(b'%') => ("%}", true),
        Some(b'{') => ("}}", false),
        Some(b'#') => {
            let end = from.find("#}").map_or(from.len(), |at| at + 2);
            return Piece::Text(&from[..end]);
        }
        _ => return Piece::Text(&from[..1]),
    };
    let code = &from[2..];
    let end = end_of_code(code, close).unwrap_or(code.len());
    let inside = code[..end].strip_prefix(['-', '+']).unwrap_or(&code[..end]);
    let inside = inside.strip_suffix(['-', '+']).unwrap_or(inside).trim();
    Piece::Code { whole: &from[..(2 + end + close.len()).min(from.len())], inside, is_block }
}

/// Where `close` first stands outside quotes and brackets.
fn end_of_code(code: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if depth == 0 && code[at..].starts_with(close) => return Some(at),
            None => match c {
                '\'' | '"' => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
    }
    None
}

/// Where the block that ends raw text begins; the end of the source where there is none.
fn end_of_raw(text: &str) -> usize {
    let mut opens = text.match_indices("{%").map(|(at, _)| at);
    let ends = |at: &usize| text[at + 2..].trim_start_matches(['-', '+']).trim_start().starts_with("endraw");
    opens.find(ends).unwrap_or(text.len())
}
