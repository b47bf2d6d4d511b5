//! The tokens and merges that a GGUF file lists.

use tokenizers::models::bpe::Vocab;

use crate::Error;
use crate::weights::gguf::{Gguf, Metadata};

/// The tokens of a file, by number, each once.
pub(super) struct Vocabulary<'a> {
    pub(super) tokens: Vec<&'a str>,
    /// `tokenizer.ggml.token_type` of each; empty where the file does not say.
    types: Vec<u64>,
}

impl<'a> Vocabulary<'a> {
    pub(super) fn new(gguf: &'a Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let tokens = tokens(gguf)?;
        let key = "tokenizer.ggml.token_type";
        let types = metadata.integers(key)?.unwrap_or_default();
        if !types.is_empty() && types.len() != tokens.len() {
            let expected = format!("one number for each of the {} tokens", tokens.len());
            return Err(metadata.wrong(key, &expected, &types.len().to_string()));
        }
        Ok(Self { tokens, types })
    }

    /// The tokens of one type.
    pub(super) fn of_type(&self, wanted: u64) -> impl Iterator<Item = &'a str> {
        let pairs = self.tokens.iter().zip(&self.types);
        pairs.filter(move |(_, token_type)| **token_type == wanted).map(|(token, _)| *token)
    }
}

/// The texts of all tokens.
pub(super) fn tokens(gguf: &Gguf) -> Result<Vec<&str>, Error> {
    let metadata = Metadata(gguf);
    let key = "tokenizer.ggml.tokens";
    metadata.required(key, "an array of texts", metadata.texts(key)?)
}

/// An error where `id` is not among `tokens` tokens.
pub(super) fn check_id(metadata: &Metadata<'_>, key: &str, id: u32, tokens: usize) -> Result<(), Error> {
    if (id as usize) < tokens {
        return Ok(());
    }
    Err(metadata.wrong(key, &format!("a token below {tokens}"), &id.to_string()))
}

/// An error where two of `tokens` are the same; `ids` is what they were collected into.
pub(super) fn check_distinct<'a>(
    metadata: &Metadata<'_>,
    ids: &Vocab,
    tokens: impl Iterator<Item = &'a str>,
) -> Result<(), Error> {
    match tokens.enumerate().find(|(id, token)| ids.get(*token) != Some(&(*id as u32))) {
        None => Ok(()),
        Some((_, twice)) => {
            Err(metadata.wrong("tokenizer.ggml.tokens", "different tokens", &format!("`{twice}` twice")))
        }
    }
}

/// The merges, the first ones first.
pub(super) fn merges(metadata: &Metadata<'_>) -> Result<Vec<(String, String)>, Error> {
    let key = "tokenizer.ggml.merges";
    metadata
        .required(key, "an array of texts", metadata.texts(key)?)?
        .into_iter()
        .map(|merge| match merge.split_once(' ') {
            // No part has a space in it: bytes are written as printable characters, spaces as U+2581.
            Some((left, right)) if !left.is_empty() && !right.is_empty() && !right.contains(' ') => {
                Ok((left.to_owned(), right.to_owned()))
            }
            _ => Err(metadata.wrong(key, "two tokens with a space between them", &format!("`{merge}`"))),
        })
        .collect()
}
