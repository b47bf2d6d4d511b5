//! `generation_config.json`: what a model's authors say about how answers are generated.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::folder::FolderConfig;
use super::json;
use crate::engine::{BiasedSequence, DecayPenalty, LogitRules};
use crate::weights::gguf::{Gguf, Metadata};
use crate::{Error, RepetitionPenalty};

const FILE: &str = "generation_config.json";

/// What a checkpoint says about how answers are generated, apart from the tokens that end them: the fields that transformers'
/// `generate` would go by when it decodes greedily.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerationConfig {
    /// The file that says it: `generation_config.json`, or `config.json` where that is missing; of a GGUF file `None`.
    pub file: Option<String>,
    /// Fields that are applied to logits as transformers applies them, with their values.
    pub applied: Map<String, Value>,
    /// Fields that would change greedy answers in transformers and are not applied, with their values.
    pub not_applied: Map<String, Value>,
    /// Whether tokens are to be drawn at random (`do_sample`).
    pub asks_for_sampling: bool,
    pub(crate) rules: LogitRules,
}

/// Whether answers follow the model's [`GenerationConfig`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GenerationConfigUse {
    /// What it says of logits is done to them.
    #[default]
    Apply,
    /// Only the tokens that end an answer are taken from it.
    Ignore,
}

impl GenerationConfig {
    /// Of a folder: `generation_config.json`, or where there is none the same fields of `config.json`, as transformers has it.
    pub(super) fn of_folder(folder: &Path, config: &FolderConfig) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let vocabulary = config.json["vocab_size"].as_u64();
        match json::read_optional(&path)? {
            Some(json) => Self::parse(&path, &json, vocabulary),
            None => Self::parse(&config.path, &config.json, vocabulary),
        }
    }

    /// Of a GGUF file: what llama.cpp would sample with, none of which is applied.
    pub(super) fn of_gguf(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let mut found = Self::default();
        let key = "general.sampling.penalty_repeat";
        if let Some(penalty) = metadata.number(key)?.filter(|penalty| (penalty - 1.0).abs() > 1e-6) {
            // The file has it with 32 bits.
            found.not_applied.insert(key.to_owned(), ((penalty * 1e6).round() / 1e6).into());
        }
        found.asks_for_sampling = metadata.number("general.sampling.temp")?.is_some_and(|temp| temp > 0.0);
        Ok(found)
    }

    /// From the JSON of `path`, for a model of so many tokens.
    pub(crate) fn parse(path: &Path, json: &Value, vocabulary: Option<u64>) -> Result<Self, Error> {
        let mut fields = Fields { path, json, vocabulary, applied: Map::new() };
        let rules = fields.rules()?;
        let not_applied = NOT_APPLIED.iter().filter(|(name, changes)| changes(&json[*name], json));
        let not_applied = not_applied.map(|(name, _)| ((*name).to_owned(), json[*name].clone()));
        Ok(Self {
            file: path.file_name().map(|name| name.to_string_lossy().into_owned()),
            applied: fields.applied,
            not_applied: not_applied.collect(),
            asks_for_sampling: json["do_sample"] == true,
            rules,
        })
    }
}

/// Whether a field with this value, in this file, would change greedy answers.
type Changes = fn(&Value, &Value) -> bool;

/// Fields that make transformers decode in another way than token after token by the most likely one, or stop elsewhere. Those
/// of assisted decoding are not here: they change the speed of greedy decoding, not its answers.
const NOT_APPLIED: [(&str, Changes); 11] = [
    ("num_beams", |beams, _| beams.as_u64().is_some_and(|beams| beams > 1)),
    ("penalty_alpha", |alpha, json| {
        let top_k = json["top_k"].as_u64().unwrap_or(50);
        alpha.as_f64().is_some_and(|alpha| alpha > 0.0) && top_k > 1
    }),
    ("dola_layers", is_set),
    ("constraints", is_set),
    ("force_words_ids", is_set),
    ("guidance_scale", |scale, _| scale.is_number() && *scale != 1.0),
    ("watermarking_config", is_set),
    ("token_healing", |healing, _| *healing == true),
    ("stop_strings", is_set),
    ("max_time", is_set),
    ("cache_implementation", |cache, _| *cache == "quantized"),
];

fn is_set(value: &Value, _: &Value) -> bool {
    !value.is_null()
}

/// Reads the fields of a file, and notes those that do something.
struct Fields<'a> {
    path: &'a Path,
    json: &'a Value,
    vocabulary: Option<u64>,
    applied: Map<String, Value>,
}

/// One token or several.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Tokens {
    One(u32),
    Several(Vec<u32>),
}

impl Fields<'_> {
    fn rules(&mut self) -> Result<LogitRules, Error> {
        let biased = |(tokens, bias)| BiasedSequence { tokens, bias };
        let sequence_bias: Vec<(Vec<u32>, f32)> =
            self.list("sequence_bias", "a list of lists of tokens, each with a number")?;
        self.check_sequences("sequence_bias", sequence_bias.iter().map(|(tokens, _)| tokens))?;
        let bad_words_ids: Vec<Vec<u32>> = self.list("bad_words_ids", "a list of lists of tokens")?;
        self.check_sequences("bad_words_ids", &bad_words_ids)?;
        let ngram = "a number of tokens, 0 or more";
        let decay: Option<(usize, f64)> =
            self.get("exponential_decay_length_penalty", "a number of tokens and a factor")?;
        Ok(LogitRules {
            sequence_bias: sequence_bias.into_iter().map(biased).collect(),
            encoder_repetition_penalty: self.penalty("encoder_repetition_penalty")?,
            repetition_penalty: self.penalty("repetition_penalty")?,
            no_repeat_ngram_size: self.count("no_repeat_ngram_size", ngram)?.try_into().ok(),
            encoder_no_repeat_ngram_size: self.count("encoder_no_repeat_ngram_size", ngram)?.try_into().ok(),
            bad_words_ids,
            min_length: self.count("min_length", ngram)?,
            min_new_tokens: self.get("min_new_tokens", ngram)?,
            forced_bos_token_id: self.tokens("forced_bos_token_id")?.first().copied(),
            forced_eos_token_id: self.tokens("forced_eos_token_id")?,
            remove_invalid_values: self.flag("remove_invalid_values")?,
            exponential_decay_length_penalty: decay.map(|(start, factor)| DecayPenalty { start, factor }),
            suppress_tokens: self.suppressed("suppress_tokens")?,
            begin_suppress_tokens: self.suppressed("begin_suppress_tokens")?,
        })
    }

    /// A field that may be missing or null, and does something otherwise.
    fn get<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Error> {
        let value = &self.json[name];
        if value.is_null() {
            return Ok(None);
        }
        let read = serde_json::from_value(value.clone()).map_err(|_| self.wrong(name, expected))?;
        self.applied.insert(name.to_owned(), value.clone());
        Ok(Some(read))
    }

    /// A field that does nothing where it is 1.
    fn penalty(&mut self, name: &str) -> Result<Option<RepetitionPenalty>, Error> {
        let penalty: Option<RepetitionPenalty> = self.get(name, "a number above 0")?;
        Ok(self.unless(name, penalty, |&penalty| penalty == RepetitionPenalty::NONE))
    }

    /// A field that does nothing where it is 0.
    fn count(&mut self, name: &str, expected: &str) -> Result<usize, Error> {
        let count = self.get(name, expected)?;
        Ok(self.unless(name, count, |&count| count == 0).unwrap_or_default())
    }

    /// A field that does nothing where it is false.
    fn flag(&mut self, name: &str) -> Result<bool, Error> {
        let flag = self.get(name, "true or false")?;
        Ok(self.unless(name, flag, |&flag: &bool| !flag).unwrap_or_default())
    }

    fn list<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<Vec<T>, Error> {
        let list = self.get(name, expected)?;
        Ok(self.unless(name, list, Vec::is_empty).unwrap_or_default())
    }

    /// Tokens that are never chosen; numbers below 0 stand for none.
    fn suppressed(&mut self, name: &str) -> Result<BTreeSet<u32>, Error> {
        let tokens: Option<Vec<i64>> = self.get(name, "a list of tokens")?;
        let tokens: Option<BTreeSet<u32>> =
            tokens.map(|tokens| tokens.into_iter().filter_map(|token| u32::try_from(token).ok()).collect());
        Ok(self.unless(name, tokens, BTreeSet::is_empty).unwrap_or_default())
    }

    fn tokens(&mut self, name: &str) -> Result<Vec<u32>, Error> {
        let tokens = match self.get(name, "a token or a list of tokens")? {
            None => Vec::new(),
            Some(Tokens::One(token)) => vec![token],
            Some(Tokens::Several(tokens)) => tokens,
        };
        self.check_tokens(name, &tokens)?;
        Ok(tokens)
    }

    /// `value` unless it does nothing, as a field that is not there.
    fn unless<T>(&mut self, name: &str, value: Option<T>, is_idle: impl Fn(&T) -> bool) -> Option<T> {
        let value = value.filter(|value| !is_idle(value));
        if value.is_none() {
            self.applied.remove(name);
        }
        value
    }

    fn check_sequences<'s>(
        &self,
        name: &str,
        sequences: impl IntoIterator<Item = &'s Vec<u32>>,
    ) -> Result<(), Error> {
        for sequence in sequences {
            if sequence.is_empty() {
                return Err(self.wrong(name, "sequences of one token at least"));
            }
            self.check_tokens(name, sequence)?;
        }
        Ok(())
    }

    /// An error where the model does not have one of `tokens`.
    fn check_tokens(&self, name: &str, tokens: &[u32]) -> Result<(), Error> {
        match self.vocabulary {
            Some(count) if tokens.iter().any(|&token| u64::from(token) >= count) => {
                Err(self.wrong(name, &format!("tokens below {count}, which is the model's vocab_size")))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, name: &str, expected: &str) -> Error {
        Error::Field {
            path: self.path.to_owned(),
            field: name.to_owned(),
            expected: expected.to_owned(),
            found: self.json[name].to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
