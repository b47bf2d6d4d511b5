//! The tokens that the files beside a vocabulary name, put together as transformers 4.57.6 does.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tokenizers::AddedToken;

use super::class::Class;
use super::files::TokenizerFiles;
use super::written::{Token, Written};
use crate::Error;

/// Roles of special tokens, in the order in which they are added.
const ROLES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// Special tokens without a role.
const ADDITIONAL: &str = "additional_special_tokens";
/// Special tokens with a name of their own; a list without names where version 5 of transformers wrote it.
const EXTRA: &str = "extra_special_tokens";
/// All added tokens by number. Where it is there, the files other than `tokenizer_config.json` are not read.
const DECODER: &str = "added_tokens_decoder";

/// Tokens by what they are.
#[derive(Debug, Default)]
pub(in crate::hf) struct NamedTokens {
    /// By role, those without a role after them as `None`, and then by names of their own.
    pub(super) special: Vec<(Option<String>, Written)>,
    /// By the number that a file gives them, those of `tokenizer.json` aside.
    pub(super) added: BTreeMap<u32, Token>,
    /// The file that has `added`.
    pub(super) added_in: &'static str,
    /// Whether `added` are all added tokens, those of `tokenizer.json` among them.
    lists_all: bool,
}

impl NamedTokens {
    /// `vocabulary` are the added tokens of `tokenizer.json`, by number.
    pub(super) fn new(
        files: &TokenizerFiles,
        class: Class,
        vocabulary: &BTreeMap<u32, Token>,
    ) -> Result<Self, Error> {
        let said = Said::read(files)?;
        let (added, added_in) = match files.config.get(DECODER) {
            Some(decoder) => (numbered(files, decoder)?, TokenizerFiles::CONFIG),
            None => (by_text(files, &said, vocabulary)?, TokenizerFiles::ADDED),
        };
        // What is known of a token by its text goes before what is said of its role.
        let known = if said.has_decoder { &added } else { vocabulary };
        let known: HashMap<&str, &Token> =
            known.values().map(|token| (token.content.as_str(), token)).collect();
        let mut special = vec![];
        for role in ROLES {
            let written = match said.roles.get(role) {
                Some(None) => continue,
                Some(Some(written)) => match known.get(written.content()) {
                    Some(&token) => Written::Token(token.clone()),
                    None => written.clone(),
                },
                None => match class.default_tokens().iter().find(|(of, _)| *of == role) {
                    Some((_, token)) => Written::Text((*token).to_owned()),
                    None => continue,
                },
            };
            let written = if class.writes_tokens_anew() { written.found_as_written() } else { written };
            special.push((Some(role.to_owned()), written));
        }
        special.extend(said.additional.into_iter().map(|written| (None, written)));
        for &(field, default) in class.further_tokens() {
            match files.config.get(field) {
                None => special.push((None, Written::Text(default.to_owned()))),
                Some(Value::Null) => {}
                Some(value) => {
                    let path = files.path(TokenizerFiles::CONFIG);
                    special.push((None, Written::read(value, &path, field)?));
                }
            }
        }
        special.extend(said.extra.into_iter().map(|(name, written)| (Some(name), written)));
        special.retain(|(_, written)| !written.content().is_empty());
        Ok(Self { special, added, added_in, lists_all: said.has_decoder })
    }

    /// The tokens to add to a tokenizer that has `vocabulary`, in their order.
    pub(super) fn to_add(&self, vocabulary: &BTreeMap<u32, Token>) -> Vec<AddedToken> {
        let mut seen: Vec<&str> = vec![];
        let mut special: Vec<&Written> = vec![];
        for (_, written) in &self.special {
            if !seen.contains(&written.content()) {
                seen.push(written.content());
                special.push(written);
            }
        }
        // Where no file lists all added tokens, those of `tokenizer.json` are added again: one that is named is special.
        let mut added = if self.lists_all { BTreeMap::new() } else { vocabulary.clone() };
        added.extend(self.added.clone());
        let mut tokens: Vec<Token> = added.into_values().collect();
        let has_text =
            |text: &str| vocabulary.values().chain(self.added.values()).any(|token| token.content == text);
        for written in special {
            match written {
                Written::Text(text) if has_text(text) => {}
                Written::Text(text) => tokens.push(Token::plain(text.clone(), true)),
                // One with flags is added whether it is there or not: its flags are the ones that count.
                Written::Token(token) => tokens.push(token.clone()),
            }
        }
        for token in &mut tokens {
            token.special |= seen.contains(&token.content.as_str());
        }
        tokens.iter().map(Token::resolved).collect()
    }
}

/// What `tokenizer_config.json` and, where it counts, `special_tokens_map.json` say of special tokens.
#[derive(Debug, Default)]
struct Said {
    has_decoder: bool,
    /// `None` for null.
    roles: BTreeMap<&'static str, Option<Written>>,
    additional: Vec<Written>,
    extra: Vec<(String, Written)>,
}

impl Said {
    fn read(files: &TokenizerFiles) -> Result<Self, Error> {
        let mut said = Self { has_decoder: files.config.get(DECODER).is_some(), ..Self::default() };
        said.add(files, &files.config, TokenizerFiles::CONFIG, |written| written)?;
        if !said.has_decoder {
            said.add(files, &files.map, TokenizerFiles::MAP, Written::made_special)?;
        }
        Ok(said)
    }

    /// What one file says: of a role, in place of what was said before; tokens without a role, beside those.
    fn add(
        &mut self,
        files: &TokenizerFiles,
        json: &Value,
        file: &str,
        made: fn(Written) -> Written,
    ) -> Result<(), Error> {
        let path = files.path(file);
        let read = |value: &Value, field: &str| Written::read(value, &path, field).map(made);
        for role in ROLES {
            match json.get(role) {
                None => {}
                Some(Value::Null) => {
                    self.roles.insert(role, None);
                }
                Some(value) => {
                    self.roles.insert(role, Some(read(value, role)?));
                }
            }
        }
        for field in [ADDITIONAL, EXTRA] {
            match json.get(field) {
                None | Some(Value::Null) => {}
                Some(Value::Array(tokens)) => {
                    for token in tokens {
                        let token = read(token, field)?;
                        if !self.additional.contains(&token) {
                            self.additional.push(token);
                        }
                    }
                }
                Some(Value::Object(tokens)) if field == EXTRA => {
                    for (name, token) in tokens {
                        self.extra.push((name.clone(), read(token, &format!("{field}.{name}"))?));
                    }
                }
                Some(other) => return Err(files.wrong(file, field, "a list of tokens", other)),
            }
        }
        Ok(())
    }

    /// Whether a file, not a class, names `text` as a special token.
    fn names(&self, text: &str) -> bool {
        let roles = self.roles.values().flatten();
        roles.chain(&self.additional).any(|written| written.content() == text)
    }
}

/// `added_tokens_decoder`.
fn numbered(files: &TokenizerFiles, decoder: &Value) -> Result<BTreeMap<u32, Token>, Error> {
    let file = TokenizerFiles::CONFIG;
    let wrong = |field: &str, expected: &str, found: &Value| files.wrong(file, field, expected, found);
    let object = decoder.as_object().ok_or_else(|| wrong(DECODER, "tokens by number", decoder))?;
    let token = |(number, token): (&String, &Value)| {
        let field = format!("{DECODER}.{number}");
        let number = number.parse().map_err(|_| wrong(&field, "the number of a token as name", token))?;
        Ok((number, Token::read(token, &files.path(file), &field)?))
    };
    object.iter().map(token).collect()
}

/// `added_tokens.json`, numbers by text. What `tokenizer.json` says of a number counts.
fn by_text(
    files: &TokenizerFiles,
    said: &Said,
    vocabulary: &BTreeMap<u32, Token>,
) -> Result<BTreeMap<u32, Token>, Error> {
    let wrong = |field: &str, expected: &str, found: &Value| {
        files.wrong(TokenizerFiles::ADDED, field, expected, found)
    };
    let object = match &files.added {
        Value::Null => return Ok(BTreeMap::new()),
        Value::Object(object) => object,
        other => return Err(wrong("(all of it)", "an object: numbers by text", other)),
    };
    let token = |(text, number): (&String, &Value)| {
        let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| wrong(text, "the number of a token", &object[text]))?;
        Ok((number, Token::plain(text, said.names(text))))
    };
    let mut tokens: BTreeMap<u32, Token> = object.iter().map(token).collect::<Result<_, Error>>()?;
    tokens.retain(|number, _| !vocabulary.contains_key(number));
    Ok(tokens)
}
