//! Byte-level tokenizers from the two files that they had before `tokenizer.json`.

use std::path::Path;

use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::class::Class;
use super::files::TokenizerFiles;
use super::guard::guarded;
use super::pre::Kind;
use crate::Error;

/// Tokens and their numbers.
pub(in crate::hf) const VOCABULARY: &str = "vocab.json";
/// Which tokens are joined, the first ones first.
pub(in crate::hf) const MERGES: &str = "merges.txt";

/// As transformers' converters of `GPT2Tokenizer` and `Qwen2Tokenizer` make them, without special tokens.
pub(super) fn build(
    folder: &Path,
    class: Class,
    files: &TokenizerFiles,
) -> Result<tokenizers::Tokenizer, Error> {
    let path = folder.join(VOCABULARY);
    let failed =
        |error: tokenizers::Error| Error::Tokenizer { path: path.clone(), problem: error.to_string() };
    let kind = match class {
        Class::Gpt2 => Kind::GPT2,
        Class::Qwen2 => Kind::QWEN2,
        _ => {
            let (path, field) = match files.class_name() {
                Some(_) => (files.path(TokenizerFiles::CONFIG), "tokenizer_class"),
                None => (files.path("config.json"), "model_type"),
            };
            return Err(Error::Unsupported {
                path,
                field: field.into(),
                found: files.class_name().unwrap_or(files.model_type()).into(),
                supported: format!(
                    "{VOCABULARY} with {MERGES} of GPT2Tokenizer or Qwen2Tokenizer; any other tokenizer as \
                     tokenizer.json"
                ),
            });
        }
    };
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let names = (text(&path), text(&folder.join(MERGES)));
    let bpe = guarded(|| BPE::from_file(&names.0, &names.1).build()).map_err(failed)?;
    let mut inner = tokenizers::Tokenizer::new(bpe);
    inner.with_normalizer(kind.normalizer()).map_err(failed)?;
    inner.with_pre_tokenizer(Some(kind.pre_tokenizer().map_err(failed)?));
    inner.with_decoder(Some(ByteLevel::default()));
    Ok(inner)
}
