//! Text to tokens and back.

mod byte_level;
mod gguf;
mod gpt2;
mod guard;
mod pre;
mod special;
mod spm;
#[cfg(test)]
pub(super) mod testing;
mod vocabulary;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub(super) use gpt2::{MERGES, VOCABULARY};
pub(super) use special::SpecialTokens;

use crate::Error;
use crate::engine::Detokenizer;
use guard::guarded;

/// Tokenizer classes of transformers that set the beginning-of-sequence token themselves, whatever
/// `tokenizer.json` says.
const CLASSES_WITH_OWN_BOS: [&str; 4] =
    ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer"];

/// A model's tokenizer.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Where it came from, for errors.
    path: PathBuf,
    bos: Option<u32>,
    /// Whether decoding removes spaces before punctuation, as `clean_up_tokenization_spaces` asks for.
    clean_up: bool,
}

impl Tokenizer {
    /// From `tokenizer.json`; `config` is `tokenizer_config.json`.
    pub(crate) fn from_file(path: &Path, config: &Value, special: &SpecialTokens) -> Result<Self, Error> {
        let problem = |problem: String| Error::Tokenizer { path: path.to_owned(), problem };
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let mut inner = guarded(|| tokenizers::Tokenizer::from_bytes(&bytes))
            .map_err(|error| problem(error.to_string()))?;
        // What was left in the file from training would cut long contexts.
        inner.with_truncation(None).map_err(|error| problem(error.to_string()))?;
        inner.with_padding(None);
        Self::with_config(inner, path, config, special)
    }

    /// From GPT-2's `vocab.json` and `merges.txt` in `folder`.
    pub(super) fn from_gpt2(folder: &Path, config: &Value, special: &SpecialTokens) -> Result<Self, Error> {
        Self::with_config(gpt2::build(folder)?, &folder.join(VOCABULARY), config, special)
    }

    fn with_config(
        inner: tokenizers::Tokenizer,
        path: &Path,
        config: &Value,
        special: &SpecialTokens,
    ) -> Result<Self, Error> {
        let clean_up = config["clean_up_tokenization_spaces"].as_bool().unwrap_or(false);
        let mut tokenizer = Self { inner, path: path.to_owned(), bos: None, clean_up };
        tokenizer.bos = tokenizer.find_bos(config, special)?;
        Ok(tokenizer)
    }

    /// The token that encoding with special tokens would put in front.
    fn find_bos(&self, config: &Value, special: &SpecialTokens) -> Result<Option<u32>, Error> {
        let problem = |problem: String| Error::Tokenizer { path: self.path.clone(), problem };
        let class = config["tokenizer_class"].as_str().unwrap_or_default();
        if CLASSES_WITH_OWN_BOS.contains(&class.trim_end_matches("Fast")) {
            if !config["add_bos_token"].as_bool().unwrap_or(true) {
                return Ok(None);
            }
            let bos =
                special.bos.as_deref().ok_or_else(|| problem("add_bos_token without a bos_token".into()))?;
            let id = self.inner.token_to_id(bos);
            return id
                .map(Some)
                .ok_or_else(|| problem(format!("bos_token `{bos}` is not in the vocabulary")));
        }
        let encode = |special: bool| {
            guarded(|| self.inner.encode_fast("a", special)).map_err(|error| problem(error.to_string()))
        };
        let (with, without) = (encode(true)?, encode(false)?);
        let (with, without) = (with.get_ids(), without.get_ids());
        let at = with.windows(without.len().max(1)).position(|window| window == without).unwrap_or(0);
        match &with[..at] {
            [] => Ok(None),
            &[bos] => Ok(Some(bos)),
            several => {
                Err(problem(format!("puts {} tokens before a text; at most one is supported", several.len())))
            }
        }
    }

    /// Tokens of `text`. Nothing is added; special tokens that are written in the text are recognised.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding =
            guarded(|| self.inner.encode_fast(text, false)).map_err(|error| self.failed(&error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The token that this model expects before the first token of a text, if any.
    pub(crate) fn bos_to_prepend(&self) -> Option<u32> {
        self.bos
    }

    /// The number of a token by its text.
    pub(crate) fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    fn failed(&self, error: &tokenizers::Error) -> Error {
        Error::Tokenizer { path: self.path.clone(), problem: error.to_string() }
    }
}

impl Detokenizer for Tokenizer {
    fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        let text = guarded(|| self.inner.decode(ids, true)).map_err(|error| self.failed(&error))?;
        Ok(if self.clean_up { clean_up(text) } else { text })
    }
}

/// What transformers does to decoded text where a model's `clean_up_tokenization_spaces` is true.
fn clean_up(text: String) -> String {
    const REPLACEMENTS: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    REPLACEMENTS.into_iter().fold(text, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A tokenizer of single bytes `a`, `b`, with `<s>` (4) in front if `post_processor` is the usual template.
    fn tokenizer_json(with_template: bool) -> Value {
        let added = |id: u32, content: &str| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true})
        };
        let template = json!({"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}});
        json!({"version": "1.0",
            "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
            "padding": null, "normalizer": null,
            "added_tokens": [added(4, "<s>"), added(5, "</s>")],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "post_processor": if with_template { template } else { Value::Null },
            "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "vocab": {"a": 0, "b": 1, "Ġ": 2, ".": 3}, "merges": []}})
    }

    fn build(with_template: bool, config: &Value) -> Result<Tokenizer, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, tokenizer_json(with_template).to_string()).unwrap();
        Tokenizer::from_file(&path, config, &SpecialTokens::from_config(config, &Value::Null))
    }

    #[test]
    fn nothing_is_added_or_cut_and_written_special_tokens_are_recognised() {
        let tokenizer = build(true, &json!({})).unwrap();
        assert_eq!(tokenizer.encode("abab").unwrap(), [0, 1, 0, 1]);
        assert_eq!(tokenizer.encode("<s>a</s>").unwrap(), [4, 0, 5]);
        assert_eq!(tokenizer.decode(&[4, 0, 1, 5]).unwrap(), "ab");
    }

    #[test]
    fn bos_is_what_the_post_processor_or_the_class_says() {
        let bos =
            |with_template: bool, config: Value| build(with_template, &config).unwrap().bos_to_prepend();
        assert_eq!(bos(true, json!({})), Some(4));
        assert_eq!(bos(false, json!({})), None);
        assert_eq!(bos(false, json!({"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<s>"})), Some(4));
        let off = json!({"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "add_bos_token": false});
        assert_eq!(bos(true, off), None);
        let unknown = json!({"tokenizer_class": "LlamaTokenizer", "bos_token": "<q>"});
        assert!(build(true, &unknown).unwrap_err().to_string().contains("`<q>` is not in the vocabulary"));
    }

    #[test]
    fn spaces_before_punctuation_go_only_where_the_model_says_so() {
        let decode = |config: Value| build(false, &config).unwrap().decode(&[0, 2, 3]).unwrap();
        assert_eq!(decode(json!({})), "a .");
        assert_eq!(decode(json!({"clean_up_tokenization_spaces": true})), "a.");
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, "{\"model\": 1}").unwrap();
        let error = Tokenizer::from_file(&path, &Value::Null, &SpecialTokens::default()).unwrap_err();
        assert!(error.to_string().contains("tokenizer.json: "), "{error}");
    }
}
