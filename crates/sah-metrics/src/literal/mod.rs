//! Python's literals, read without running anything.
//!
//! Data sets keep lists and dictionaries as Python prints them, models answer with dictionaries, and prompts lie in files of
//! Python. [`parse`] reads such a text where it is one literal, [`assignments`] a file of `name = literal`. What is more than a
//! literal (a call, a name, an f-string with a field) is an error.
//!
//! ```
//! use sah_metrics::literal::{Literal, parse};
//!
//! let Literal::Dict(entries) = parse("{'a': 'b' \"c\",}  # the last")? else { unreachable!() };
//! assert_eq!(entries, [(Literal::Text("a".to_owned()), Literal::Text("bc".to_owned()))]);
//! assert!(parse("dict(a=1)").is_err());
//! # Ok::<(), sah_metrics::literal::LiteralError>(())
//! ```

mod number;
mod parser;
mod text;

use parser::Parser;

/// The value of a literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True` and `False`.
    Bool(bool),
    /// An integer, by its decimal digits.
    Integer(String),
    /// A number with a fraction or an exponent; of a complex one the imaginary part.
    Float(f64),
    /// A string. A lone surrogate, which Rust's texts cannot hold, is U+FFFD.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Literal>),
    /// A tuple.
    Tuple(Vec<Literal>),
    /// A set, in the order of the text.
    Set(Vec<Literal>),
    /// A dictionary in the order of the text. Of equal keys only the last is there, in the place of the first.
    Dict(Vec<(Literal, Literal)>),
}

impl Literal {
    /// The text of a string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key of a dictionary.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Literal> {
        match self {
            Self::Dict(entries) => {
                entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Whether it may be a key: lists, sets and dictionaries may not.
    fn is_hashable(&self) -> bool {
        match self {
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            _ => true,
        }
    }
}

/// Why a text is no literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

impl std::fmt::Display for LiteralError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for LiteralError {}

/// The value of `text`, where `eval(text)` would have read a literal: white space and comments may be around it.
///
/// # Errors
///
/// [`LiteralError`] where it is anything else.
pub fn parse(text: &str) -> Result<Literal, LiteralError> {
    let source = with_line_feeds(text);
    // Python takes blanks off the beginning, and an indented line after that is an error.
    let mut parser = Parser::new(source.trim_start_matches([' ', '\t']));
    parser.blank_lines();
    if parser.is_indented() {
        return Err(parser.error("the line is indented"));
    }
    let value = parser.tuple_or_value()?;
    parser.blank();
    parser.blank_lines();
    parser.blank();
    if parser.at_end() { Ok(value) } else { Err(parser.error("more than one value")) }
}

/// The names and values of a file of assignments, `name = literal` each, in their order.
///
/// # Errors
///
/// [`LiteralError`] for anything else than assignments, comments and blank lines.
pub fn assignments(text: &str) -> Result<Vec<(String, Literal)>, LiteralError> {
    let source = with_line_feeds(text);
    let mut parser = Parser::new(&source);
    let mut found = Vec::new();
    loop {
        parser.blank_lines();
        if parser.at_end() {
            return Ok(found);
        }
        let name = parser.name().ok_or_else(|| parser.error("expected NAME = VALUE"))?.to_owned();
        parser.blank();
        parser.expect('=')?;
        parser.blank();
        found.push((name, parser.tuple_or_value()?));
        parser.end_of_line()?;
    }
}

/// Lines end in a line feed, as Python sees its sources.
fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Literal {
        Literal::Text(value.to_owned())
    }

    #[test]
    fn literals_have_their_values() {
        let integer = |digits: &str| Literal::Integer(digits.to_owned());
        for (source, value) in [
            ("None", Literal::None),
            (" True", Literal::Bool(true)),
            ("-1_000", integer("-1000")),
            ("- +-2", integer("2")),
            ("0x1F", integer("31")),
            ("00", integer("0")),
            ("1.5e1", Literal::Float(15.0)),
            (".5", Literal::Float(0.5)),
            ("'a' + 'b'", text("ab")),
            ("b'a'", Literal::Bytes(b"a".to_vec())),
            ("()", Literal::Tuple(vec![])),
            ("(1)", integer("1")),
            ("1,", Literal::Tuple(vec![integer("1")])),
            ("[1, [2],]", Literal::List(vec![integer("1"), Literal::List(vec![integer("2")])])),
            ("{1, 1}", Literal::Set(vec![integer("1"), integer("1")])),
            ("{}", Literal::Dict(vec![])),
            ("\n# note\n{ # more\n 'a' :\\\n 1 }\n\n # end", Literal::Dict(vec![(text("a"), integer("1"))])),
            (
                "{'a': 1, 'b': 2, 'a': 3}",
                Literal::Dict(vec![(text("a"), integer("3")), (text("b"), integer("2"))]),
            ),
        ] {
            assert_eq!(parse(source), Ok(value), "{source:?}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for source in [
            "",
            "hello",
            "{'a'}x",
            "{'a': }",
            "{'a': 1",
            "['a' 1]",
            "dict()",
            "null",
            "true",
            "012",
            "1__0",
            "0x",
            "'a",
            "'a\nb'",
            "{[1]: 2}",
            "{{}}",
            "{**{}}",
            "[*[1]]",
            "1 + 2",
            "'a' + 1",
            "'a' b'c'",
            "f'{x}'",
            "\n {}",
            "\u{3000}{}",
            "{'a': 1}\u{a0}",
            "\0",
            "1 2",
            "[,]",
            "{,}",
            "-'a'",
            "'\\xg1'",
            "'\\N{DASH}'",
            "1.5.2",
            "12abc",
            "{'a': 1, 2}",
            "{1, 'a': 2}",
            "__import__('os')",
        ] {
            assert!(parse(source).is_err(), "{source:?}: {:?}", parse(source));
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn an_error_names_its_line() {
        assert_eq!(parse("{'a':\n x}").unwrap_err().line, 2);
        let error = assignments("a = 1\nimport os\n").unwrap_err();
        assert_eq!(error.line, 2, "{error}");
    }

    #[test]
    fn a_file_of_assignments_has_names_and_values() {
        let source = "# head\na = {\n    'x': 'one'  # noqa\n    + ' two',\n}\n\nb = 2";
        let found = assignments(source).unwrap();
        assert_eq!(found[0].0, "a");
        assert_eq!(found[0].1.get("x"), Some(&text("one two")));
        assert_eq!((found.len(), &*found[1].0), (2, "b"));
    }
}
