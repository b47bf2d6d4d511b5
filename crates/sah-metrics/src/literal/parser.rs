//! The grammar of literals.

use super::{Literal, LiteralError, number, text};

/// As deep as Python lets brackets be.
const DEPTH: usize = 200;

/// A source and the place in it.
pub(super) struct Parser<'a> {
    source: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, depth: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    pub(super) fn expect(&mut self, wanted: char) -> Result<(), LiteralError> {
        if self.take(wanted) { Ok(()) } else { Err(self.error(&format!("expected {wanted:?}"))) }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.source.len()
    }

    /// An error at this place.
    pub(super) fn error(&self, problem: &str) -> LiteralError {
        let line = self.source[..self.at].matches('\n').count() + 1;
        let found: String = self.rest().chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("{found:?}") };
        LiteralError { line, problem: format!("{problem} at {found}") }
    }

    /// Skips blanks, comments and lines that go on with a backslash; within brackets line ends, too.
    pub(super) fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\u{c}']);
            let trimmed = match trimmed.strip_prefix('#') {
                Some(comment) => comment.trim_start_matches(|c| c != '\n'),
                None => trimmed.strip_prefix("\\\n").filter(|next| !next.is_empty()).unwrap_or(trimmed),
            };
            let trimmed =
                if self.depth > 0 { trimmed.strip_prefix('\n').unwrap_or(trimmed) } else { trimmed };
            if trimmed.len() == rest.len() {
                return;
            }
            self.at = self.source.len() - trimmed.len();
        }
    }

    /// Skips lines with nothing but blanks and comments.
    pub(super) fn blank_lines(&mut self) {
        loop {
            let before = self.at;
            self.blank();
            if !self.take('\n') {
                if !self.at_end() {
                    self.at = before;
                }
                return;
            }
        }
    }

    /// Whether blanks are next.
    pub(super) fn is_indented(&self) -> bool {
        self.at > 0 && self.rest().starts_with([' ', '\t', '\u{c}'])
    }

    pub(super) fn end_of_line(&mut self) -> Result<(), LiteralError> {
        self.blank();
        if self.take('\n') || self.at_end() {
            Ok(())
        } else {
            Err(self.error("expected the end of the line"))
        }
    }

    /// A name: ASCII letters, digits and underscores.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let name = &rest[..length];
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += length;
        Some(name)
    }

    /// A value, or a tuple without brackets.
    pub(super) fn tuple_or_value(&mut self) -> Result<Literal, LiteralError> {
        let first = self.sum()?;
        self.blank();
        if !self.take(',') {
            return Ok(first);
        }
        let mut items = vec![first];
        loop {
            self.blank();
            if self.at_end() || self.peek().is_some_and(|c| matches!(c, ')' | '\n')) {
                return Ok(Literal::Tuple(items));
            }
            items.push(self.sum()?);
            self.blank();
            if !self.take(',') {
                return Ok(Literal::Tuple(items));
            }
        }
    }

    /// Values; several are strings that `+` joins.
    fn sum(&mut self) -> Result<Literal, LiteralError> {
        let mut sum = self.value()?;
        loop {
            self.blank();
            if self.peek() != Some('+') {
                return Ok(sum);
            }
            let Literal::Text(text) = &mut sum else {
                return Err(self.error("a sum"));
            };
            self.take('+');
            self.blank();
            match self.value()? {
                Literal::Text(next) => text.push_str(&next),
                _ => return Err(self.error("a sum of different kinds before")),
            }
        }
    }

    fn value(&mut self) -> Result<Literal, LiteralError> {
        let mut minus = None;
        while let Some(sign) = self.peek().filter(|c| matches!(c, '+' | '-')) {
            self.take(sign);
            self.blank();
            minus = Some(minus.unwrap_or(false) ^ (sign == '-'));
        }
        let value = self.unsigned()?;
        let Some(minus) = minus else { return Ok(value) };
        match value {
            Literal::Integer(digits) if minus && digits != "0" => Ok(Literal::Integer(format!("-{digits}"))),
            Literal::Integer(_) => Ok(value),
            Literal::Float(number) => Ok(Literal::Float(if minus { -number } else { number })),
            _ => Err(self.error("a sign at what is no number, before")),
        }
    }

    fn unsigned(&mut self) -> Result<Literal, LiteralError> {
        match self.peek() {
            Some('[') => self.bracketed('[', Self::list),
            Some('{') => self.bracketed('{', Self::dict_or_set),
            Some('(') => self.bracketed('(', Self::parentheses),
            Some(c) if c.is_ascii_digit() || c == '.' => {
                let (length, number) =
                    number::read(self.rest()).ok_or_else(|| self.error("expected a number"))?;
                self.at += length;
                Ok(number)
            }
            Some(_) => match text::read(self.rest()) {
                Some(Ok((length, first))) => {
                    self.at += length;
                    self.more_text(first)
                }
                Some(Err(problem)) => Err(self.error(problem)),
                None => self.constant(),
            },
            None => Err(self.error("expected a value")),
        }
    }

    /// Strings side by side are one.
    fn more_text(&mut self, mut first: Literal) -> Result<Literal, LiteralError> {
        loop {
            self.blank();
            let Some(next) = text::read(self.rest()) else { return Ok(first) };
            let (length, next) = next.map_err(|problem| self.error(problem))?;
            match (&mut first, next) {
                (Literal::Text(text), Literal::Text(more)) => text.push_str(&more),
                (Literal::Bytes(bytes), Literal::Bytes(more)) => bytes.extend(more),
                _ => return Err(self.error("text and bytes side by side")),
            }
            self.at += length;
        }
    }

    fn constant(&mut self) -> Result<Literal, LiteralError> {
        let before = self.at;
        let value = match self.name() {
            Some("None") => Literal::None,
            Some("True") => Literal::Bool(true),
            Some("False") => Literal::Bool(false),
            _ => {
                self.at = before;
                return Err(self.error("expected a value"));
            }
        };
        Ok(value)
    }

    fn bracketed(
        &mut self,
        bracket: char,
        inner: fn(&mut Self) -> Result<Literal, LiteralError>,
    ) -> Result<Literal, LiteralError> {
        if self.depth == DEPTH {
            return Err(self.error("too many brackets"));
        }
        self.take(bracket);
        self.depth += 1;
        self.blank();
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Result<Literal, LiteralError> {
        let mut items = Vec::new();
        while !self.take(']') {
            items.push(self.sum()?);
            self.next_item(']')?;
        }
        Ok(Literal::List(items))
    }

    fn parentheses(&mut self) -> Result<Literal, LiteralError> {
        if self.take(')') {
            return Ok(Literal::Tuple(Vec::new()));
        }
        let value = self.tuple_or_value()?;
        self.blank();
        self.expect(')')?;
        Ok(value)
    }

    fn dict_or_set(&mut self) -> Result<Literal, LiteralError> {
        if self.take('}') {
            return Ok(Literal::Dict(Vec::new()));
        }
        let first = self.key()?;
        if self.peek() != Some(':') {
            return self.set(first);
        }
        let mut entries: Vec<(Literal, Literal)> = Vec::new();
        let mut key = first;
        loop {
            self.expect(':')?;
            self.blank();
            let value = self.sum()?;
            match entries.iter_mut().find(|(name, _)| *name == key) {
                Some((_, old)) => *old = value,
                None => entries.push((key, value)),
            }
            self.next_item('}')?;
            if self.take('}') {
                return Ok(Literal::Dict(entries));
            }
            key = self.key()?;
        }
    }

    fn set(&mut self, first: Literal) -> Result<Literal, LiteralError> {
        let mut items = vec![first];
        loop {
            self.next_item('}')?;
            if self.take('}') {
                return Ok(Literal::Set(items));
            }
            items.push(self.key()?);
        }
    }

    fn key(&mut self) -> Result<Literal, LiteralError> {
        let key = self.sum()?;
        self.blank();
        if key.is_hashable() { Ok(key) } else { Err(self.error("a key that may change, before")) }
    }

    /// After an item: a comma and what follows it, or the closing bracket, which stays.
    fn next_item(&mut self, closing: char) -> Result<(), LiteralError> {
        self.blank();
        if self.take(',') {
            self.blank();
            Ok(())
        } else if self.peek() == Some(closing) {
            Ok(())
        } else {
            Err(self.error(&format!("expected ',' or {closing:?}")))
        }
    }
}
