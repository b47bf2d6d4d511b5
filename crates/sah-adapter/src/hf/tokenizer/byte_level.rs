//! Byte-level byte-pair encoding from the metadata of a GGUF file: the kind that llama.cpp calls `gpt2`.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::pre::Kind;
use super::vocabulary::{Vocabulary, check_distinct, merges};
use crate::Error;
use crate::weights::gguf::{Gguf, Metadata};

/// The tokenizer without its added tokens, and whether a file that does not say so wants a beginning of sequence.
pub(super) fn build(
    gguf: &Gguf,
    vocabulary: &Vocabulary<'_>,
) -> Result<(tokenizers::Tokenizer, bool), Error> {
    let metadata = Metadata(gguf);
    let failed =
        |error: tokenizers::Error| Error::Tokenizer { path: gguf.path.clone(), problem: error.to_string() };
    let key = "tokenizer.ggml.pre";
    let name = metadata.required(key, "the name of a pre-tokenizer", metadata.text(key)?)?;
    let kind = Kind::from_name(name).ok_or_else(|| metadata.unsupported(key, name, &Kind::supported()))?;
    let ids: Vocab =
        vocabulary.tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as u32)).collect();
    check_distinct(&metadata, &ids, vocabulary.tokens.iter().copied())?;
    let bpe = BPE::builder()
        .vocab_and_merges(ids, merges(&metadata)?)
        .ignore_merges(kind.ignores_merges)
        .build()
        .map_err(failed)?;
    let mut inner = tokenizers::Tokenizer::new(bpe);
    inner.with_normalizer(kind.normalizer()).map_err(failed)?;
    inner.with_pre_tokenizer(Some(kind.pre_tokenizer().map_err(failed)?));
    inner.with_decoder(Some(ByteLevel::default()));
    Ok((inner, kind.adds_bos))
}
