//! A token as the files beside a vocabulary write it.

use std::path::Path;

use serde_json::Value;
use tokenizers::AddedToken;

use crate::Error;

/// A text, or an object that also says how the token is found in a text.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Text(String),
    Token(Token),
}

/// A token with its flags, named as in the files.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the file")]
pub(super) struct Token {
    pub(super) content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    /// Where nothing is said: unless it is special.
    normalized: Option<bool>,
    pub(super) special: bool,
}

impl Written {
    /// From `field` of the file at `path`.
    pub(super) fn read(value: &Value, path: &Path, field: &str) -> Result<Self, Error> {
        match value {
            Value::String(text) => Ok(Self::Text(text.clone())),
            _ => Token::read(value, path, field).map(Self::Token),
        }
    }

    pub(super) fn content(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Token(token) => &token.content,
        }
    }

    /// A text as a special token that is looked for as it is written.
    pub(super) fn found_as_written(self) -> Self {
        match self {
            Self::Text(text) => Self::Token(Token { normalized: Some(false), ..Token::plain(text, true) }),
            Self::Token(token) => Self::Token(token),
        }
    }

    /// What an object in `special_tokens_map.json` is, whatever it says.
    pub(super) fn made_special(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text),
            Self::Token(token) => Self::Token(Token { special: true, ..token }),
        }
    }
}

/// A text is never equal to an object.
impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Token(one), Self::Token(other)) => one.resolved() == other.resolved(),
            _ => false,
        }
    }
}

impl Token {
    /// From `field` of the file at `path`.
    pub(super) fn read(value: &Value, path: &Path, field: &str) -> Result<Self, Error> {
        let wrong = |field: &str, expected: &str, found: &Value| Error::Field {
            path: path.to_owned(),
            field: field.into(),
            expected: expected.into(),
            found: found.to_string(),
        };
        let object = value
            .as_object()
            .ok_or_else(|| wrong(field, "a token: a text, or an object with `content`", value))?;
        let flag = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong(&format!("{field}.{name}"), "true or false", other)),
        };
        let content = match object.get("content") {
            Some(Value::String(text)) => text.clone(),
            other => {
                return Err(wrong(
                    &format!("{field}.content"),
                    "the text of a token",
                    other.unwrap_or(&Value::Null),
                ));
            }
        };
        Ok(Self {
            content,
            single_word: flag("single_word")?.unwrap_or(false),
            lstrip: flag("lstrip")?.unwrap_or(false),
            rstrip: flag("rstrip")?.unwrap_or(false),
            normalized: flag("normalized")?,
            special: flag("special")?.unwrap_or(false),
        })
    }

    /// One that is found as it is written: special ones in the text as it is, others in the normalised text.
    pub(super) fn plain(content: impl Into<String>, special: bool) -> Self {
        let content = content.into();
        Self { content, single_word: false, lstrip: false, rstrip: false, normalized: None, special }
    }

    /// One of `tokenizer.json`.
    pub(super) fn of_vocabulary(token: &AddedToken) -> Self {
        Self {
            content: token.content.clone(),
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: Some(token.normalized),
            special: token.special,
        }
    }

    /// In the form of the library.
    pub(super) fn resolved(&self) -> AddedToken {
        AddedToken::from(self.content.clone(), self.special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized.unwrap_or(!self.special))
    }
}
