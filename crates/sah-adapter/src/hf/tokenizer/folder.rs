//! A tokenizer from the files of a folder, as transformers' `AutoTokenizer` makes it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::class::Class;
use super::files::{Flag, TokenizerFiles};
use super::guard::guarded;
use super::named::NamedTokens;
use super::written::Token;
use super::{SpecialTokens, Tokenizer, TokenizerRemark, mistral_pattern, prefix_space, two_files};
use crate::Error;

/// `tokenizer.json`, which has all of a tokenizer but what its class does.
pub(in crate::hf) const TOKENIZER: &str = "tokenizer.json";

impl Tokenizer {
    /// From `tokenizer.json` in `folder`, or from the two files of an older one, and from the files beside it; with the special
    /// tokens that they name.
    pub(in crate::hf) fn from_folder(
        folder: &Path,
        files: &TokenizerFiles,
    ) -> Result<(Self, SpecialTokens), Error> {
        let path = folder.join(TOKENIZER);
        let source = if path.is_file() { Source::Json } else { Source::TwoFiles };
        let path = match source {
            Source::Json => path,
            Source::TwoFiles => folder.join(two_files::VOCABULARY),
        };
        let failed =
            |error: tokenizers::Error| Error::Tokenizer { path: path.clone(), problem: error.to_string() };
        let named_class = files.class_name().map(|name| (name, Class::from_name(name)));
        let (mut inner, class) = match source {
            Source::Json => {
                let inner = read_json(&path)?;
                let class = match named_class {
                    Some((_, class)) => class.unwrap_or(Class::Plain),
                    None => class_of_model(files, &inner),
                };
                (inner, class)
            }
            Source::TwoFiles => {
                let class = match named_class {
                    Some((_, class)) => class.unwrap_or(Class::Plain),
                    None if files.model_type().is_empty() => Class::Gpt2,
                    None => Class::of_model_type(files.model_type()),
                };
                (two_files::build(folder, class, files)?, class)
            }
        };
        let mut remarks = fields_not_applied(files, source)?;
        if let Some((name, None)) = named_class {
            let instead = "its tokens are those of PreTrainedTokenizerFast";
            remarks.push(not_applied("tokenizer_class", &Value::from(name), instead));
        }
        let legacy = files.flag("legacy")?;
        // Null is as nothing said.
        let legacy = legacy == Flag::Null || legacy.or(true);
        let flag = files.flag("add_prefix_space")?;
        if !prefix_space::apply(&mut inner, class, flag, legacy).map_err(failed)? {
            let instead = "the tokenizer is none of SentencePiece; text begins as tokenizer.json says";
            remarks.push(not_applied("add_prefix_space", &files.config["add_prefix_space"], instead));
        }
        if files.flag("fix_mistral_regex")?.or(false) && mistral_pattern::concerns(&inner, files) {
            mistral_pattern::apply(&mut inner).map_err(failed)?;
        }
        let vocabulary = added_tokens(&inner);
        let named = NamedTokens::new(files, class, &vocabulary)?;
        let present = inner.get_added_tokens_decoder();
        let present: Vec<_> = present.into_values().collect();
        let mut new = named.to_add(&vocabulary);
        new.retain(|token| !present.contains(token));
        if !new.is_empty() {
            guarded(|| inner.add_tokens(new)).map_err(failed)?;
            // Else the library decodes a token as it was before its flags changed.
            let normalizer = inner.get_normalizer().cloned();
            inner.with_normalizer(normalizer).map_err(failed)?;
        }
        inner.set_encode_special_tokens(files.flag("split_special_tokens")?.or(false));
        remarks.extend(other_numbers(&named, &inner));
        remarks.extend(without_row(&inner, files));
        let special = SpecialTokens::from_named(&named);
        let clean_up = files.flag("clean_up_tokenization_spaces")?.or(false);
        let mut tokenizer = Self { inner, path: path.clone(), bos: None, clean_up, remarks };
        let ends = tokenizer.read_ends(files, class, source, &special)?;
        tokenizer.bos = ends.bos;
        if ends.more {
            let add_eos = &files.config["add_eos_token"];
            let instead = "a prompt goes on with the answer, so nothing is put behind it";
            tokenizer.remarks.push(if add_eos.is_null() {
                TokenizerRemark::NotApplied {
                    file: TOKENIZER.into(),
                    field: "post_processor".into(),
                    value: "one that puts tokens behind a text".into(),
                    instead,
                }
            } else {
                not_applied("add_eos_token", add_eos, instead)
            });
        }
        Ok((tokenizer, special))
    }

    /// What encoding with special tokens would put around a text.
    fn read_ends(
        &self,
        files: &TokenizerFiles,
        class: Class,
        source: Source,
        special: &SpecialTokens,
    ) -> Result<Ends, Error> {
        let problem = |problem: String| Error::Tokenizer { path: self.path.clone(), problem };
        let by_default = match source {
            Source::TwoFiles if class == Class::Gpt2 => Some(false),
            _ => class.own_bos(),
        };
        let Some(by_default) = by_default else { return self.ends_of_post_processor() };
        let more = class.own_bos().is_some() && files.flag("add_eos_token")?.or(false);
        if !files.flag("add_bos_token")?.or(by_default) {
            return Ok(Ends { bos: None, more });
        }
        let bos =
            special.bos.as_deref().ok_or_else(|| problem("add_bos_token without a bos_token".into()))?;
        let id = self.inner.token_to_id(bos);
        let id = id.ok_or_else(|| problem(format!("bos_token `{bos}` is not in the vocabulary")))?;
        Ok(Ends { bos: Some(id), more })
    }

    fn ends_of_post_processor(&self) -> Result<Ends, Error> {
        let problem = |problem: String| Error::Tokenizer { path: self.path.clone(), problem };
        let encode = |special: bool| {
            guarded(|| self.inner.encode_fast("a", special)).map_err(|error| problem(error.to_string()))
        };
        let (with, without) = (encode(true)?, encode(false)?);
        let (with, without) = (with.get_ids(), without.get_ids());
        let at = with.windows(without.len().max(1)).position(|window| window == without).unwrap_or(0);
        let more = at + without.len() < with.len();
        match &with[..at] {
            [] => Ok(Ends { bos: None, more }),
            &[bos] => Ok(Ends { bos: Some(bos), more }),
            several => {
                Err(problem(format!("puts {} tokens before a text; at most one is supported", several.len())))
            }
        }
    }
}

/// Which files have the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Json,
    TwoFiles,
}

/// What stands around a text.
struct Ends {
    bos: Option<u32>,
    /// Whether there is something behind it.
    more: bool,
}

fn read_json(path: &Path) -> Result<tokenizers::Tokenizer, Error> {
    let problem =
        |error: tokenizers::Error| Error::Tokenizer { path: path.to_owned(), problem: error.to_string() };
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let mut inner = guarded(|| tokenizers::Tokenizer::from_bytes(&bytes)).map_err(problem)?;
    // What was left in the file from training would cut long contexts.
    inner.with_truncation(None).map_err(problem)?;
    inner.with_padding(None);
    Ok(inner)
}

/// The class that transformers takes for the model, where the special tokens that the class begins and ends texts with are in
/// the vocabulary; else they would be added to it, and be nothing that the model knows.
fn class_of_model(files: &TokenizerFiles, inner: &tokenizers::Tokenizer) -> Class {
    let class = Class::of_model_type(files.model_type());
    let ends = class.default_tokens().iter().filter(|(role, _)| matches!(*role, "bos_token" | "eos_token"));
    let known = ends.clone().all(|(_, token)| inner.token_to_id(token).is_some());
    if known { class } else { Class::Plain }
}

fn added_tokens(inner: &tokenizers::Tokenizer) -> BTreeMap<u32, Token> {
    inner.get_added_tokens_decoder().iter().map(|(id, token)| (*id, Token::of_vocabulary(token))).collect()
}

/// A remark about a field of `tokenizer_config.json`.
fn not_applied(field: &str, value: &Value, instead: &'static str) -> TokenizerRemark {
    TokenizerRemark::NotApplied {
        file: TokenizerFiles::CONFIG.into(),
        field: field.into(),
        value: value.to_string(),
        instead,
    }
}

/// Fields that transformers reads and that have no effect here whatever the class.
fn fields_not_applied(files: &TokenizerFiles, source: Source) -> Result<Vec<TokenizerRemark>, Error> {
    let mut remarks = vec![];
    let mut note = |field: &str, instead: &'static str| {
        remarks.push(not_applied(field, &files.config[field], instead));
    };
    if files.flag("from_slow")?.or(false) {
        note("from_slow", "the tokenizer is not converted anew, tokenizer.json is read");
    }
    if !files.config["auto_map"].is_null() {
        note("auto_map", "code of the repository is not run, its files are read");
    }
    if source == Source::Json && !files.config["tokenizer_file"].is_null() {
        note("tokenizer_file", "tokenizer.json of the folder is read");
    }
    if files.config["init_inputs"].as_array().is_some_and(|inputs| !inputs.is_empty()) {
        note("init_inputs", "they are not read");
    }
    Ok(remarks)
}

fn other_numbers(named: &NamedTokens, inner: &tokenizers::Tokenizer) -> Vec<TokenizerRemark> {
    let numbers = named.added.iter().filter_map(|(&said, token)| {
        let number = inner.token_to_id(&token.content)?;
        let file = named.added_in.to_owned();
        let remark = TokenizerRemark::OtherNumber { file, token: token.content.clone(), said, number };
        (number != said).then_some(remark)
    });
    numbers.collect()
}

/// Added tokens that the model has no embedding for.
fn without_row(inner: &tokenizers::Tokenizer, files: &TokenizerFiles) -> Vec<TokenizerRemark> {
    let rows = files.model["vocab_size"].as_u64().or(files.model["text_config"]["vocab_size"].as_u64());
    let Some(rows) = rows else { return vec![] };
    let added: BTreeMap<u32, _> = inner.get_added_tokens_decoder().into_iter().collect();
    let beyond = added.into_iter().filter(|(number, _)| u64::from(*number) >= rows);
    beyond.map(|(number, token)| TokenizerRemark::NoRow { token: token.content, number, rows }).collect()
}
