//! Text to tokens and back.

mod as_text;
mod byte_level;
mod class;
mod files;
mod folder;
mod gguf;
mod guard;
mod mistral_pattern;
mod named;
mod pre;
mod prefix_space;
mod remark;
mod special;
mod spm;
#[cfg(test)]
pub(super) mod testing;
mod two_files;
mod vocabulary;
mod written;

use std::path::PathBuf;

pub(super) use files::TokenizerFiles;
pub(super) use folder::TOKENIZER;
pub use remark::TokenizerRemark;
pub(super) use special::SpecialTokens;
pub(super) use two_files::{MERGES, VOCABULARY};

use crate::Error;
use crate::engine::{Detokenizer, TagTokens};
use crate::hf::control::MarkedText;
use guard::guarded;

/// A model's tokenizer.
#[derive(Debug)]
pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// Where it came from, for errors.
    path: PathBuf,
    bos: Option<u32>,
    /// Whether decoding removes spaces before punctuation, as `clean_up_tokenization_spaces` asks for.
    clean_up: bool,
    remarks: Vec<TokenizerRemark>,
}

impl Tokenizer {
    /// Tokens of `text`. Nothing is added; special tokens that are written in the text are recognised.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding =
            guarded(|| self.inner.encode_fast(text, false)).map_err(|error| self.failed(&error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The texts of special tokens, and of those other added tokens that `is_control` is true of. Without special tokens where
    /// all of them are text to this tokenizer.
    pub(super) fn control_tokens(&self, is_control: impl Fn(&str) -> bool) -> Vec<String> {
        let special = !self.inner.get_encode_special_tokens();
        let tokens = self.inner.get_added_tokens_decoder().into_values();
        let tokens = tokens.filter(|token| if token.special { special } else { is_control(&token.content) });
        tokens.map(|token| token.content).filter(|text| !text.is_empty()).collect()
    }

    /// Tokens of a text that begins a prompt. Where the model expects a beginning of sequence and the text does not begin with
    /// it, as a chat template may have written it already, it is put in front.
    pub(super) fn encode_prompt(&self, text: &MarkedText) -> Result<Vec<u32>, Error> {
        let mut ids = self.encode_marked(text)?;
        if let Some(bos) = self.bos
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// The token that this model expects before the first token of a text, if any.
    pub(crate) fn bos_to_prepend(&self) -> Option<u32> {
        self.bos
    }

    /// What its files say and what is not done as they say it.
    pub(crate) fn remarks(&self) -> &[TokenizerRemark] {
        &self.remarks
    }

    /// The number of a token by its text.
    pub(crate) fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The tokens of a tag of which a decoded text has not all.
    pub(crate) fn tag(&self, tag: &str) -> TagTokens {
        if let Some(id) = self.id(tag) {
            return TagTokens::new(&[id]).unwrap_or_default();
        }
        let ids = self.encode(tag).unwrap_or_default();
        let is_decoded = self.decode(&ids).is_ok_and(|text| text.trim() == tag);
        if is_decoded { TagTokens::default() } else { TagTokens::new(&ids).unwrap_or_default() }
    }

    pub(super) fn failed(&self, error: &tokenizers::Error) -> Error {
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
mod field_tests;
#[cfg(test)]
mod tests;
