//! `add_prefix_space` of `tokenizer_config.json`: whether a text begins as if a space stood before it.

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{DecoderWrapper, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper};

use super::class::Class;
use super::files::Flag;

/// How SentencePiece writes a space.
const SPACE: char = '\u{2581}';

/// Does as transformers 4.57.6 does, in which the switch is off where nothing is said of it. False where that is not known: a
/// tokenizer of another kind than its class has.
pub(super) fn apply(
    inner: &mut tokenizers::Tokenizer,
    class: Class,
    flag: Flag,
    legacy: bool,
) -> Result<bool, tokenizers::Error> {
    match (class, flag) {
        (Class::Llama, Flag::Is(on)) => return sentence_piece(inner, on, legacy),
        (Class::Llama, _) | (_, Flag::Null) => {}
        _ => byte_level(inner, flag.or(false)),
    }
    if class == Class::Cohere && flag.or(false) {
        everywhere(inner);
    }
    Ok(true)
}

/// Switches a byte-level pre-tokenizer. One among several is left as it is.
fn byte_level(inner: &mut tokenizers::Tokenizer, on: bool) {
    if let Some(PreTokenizerWrapper::ByteLevel(found)) = inner.get_pre_tokenizer() {
        let switched = ByteLevel::new(on, found.trim_offsets, found.use_regex);
        inner.with_pre_tokenizer(Some(switched));
    }
}

/// Switches on all byte-level parts.
fn everywhere(inner: &mut tokenizers::Tokenizer) {
    let on = |found: &ByteLevel| ByteLevel::new(true, found.trim_offsets, found.use_regex);
    match inner.get_pre_tokenizer().cloned() {
        Some(PreTokenizerWrapper::ByteLevel(found)) => {
            inner.with_pre_tokenizer(Some(on(&found)));
        }
        Some(PreTokenizerWrapper::Sequence(mut parts)) => {
            for part in parts.as_mut() {
                if let PreTokenizerWrapper::ByteLevel(found) = part {
                    *found = on(found);
                }
            }
            inner.with_pre_tokenizer(Some(parts));
        }
        _ => {}
    }
    if let Some(DecoderWrapper::ByteLevel(found)) = inner.get_decoder() {
        let switched = on(found);
        inner.with_decoder(Some(switched));
    }
}

/// As Llama's converter makes them from a SentencePiece model: where `legacy`, each piece of text between special tokens
/// begins with a space, else only the text itself.
fn sentence_piece(
    inner: &mut tokenizers::Tokenizer,
    on: bool,
    legacy: bool,
) -> Result<bool, tokenizers::Error> {
    if !matches!(inner.get_model(), ModelWrapper::BPE(bpe) if bpe.byte_fallback) {
        return Ok(false);
    }
    let space = SPACE.to_string();
    if legacy {
        let mut normalizers: Vec<NormalizerWrapper> = vec![Replace::new(" ", space.as_str())?.into()];
        if on {
            normalizers.insert(0, Prepend::new(space.clone()).into());
        }
        inner.with_normalizer(Some(Normalizers::new(normalizers)))?;
        inner.with_pre_tokenizer(None::<PreTokenizerWrapper>);
    } else {
        let scheme = if on { PrependScheme::First } else { PrependScheme::Never };
        inner.with_normalizer(None::<NormalizerWrapper>)?;
        inner.with_pre_tokenizer(Some(Metaspace::new(SPACE, scheme, false)));
    }
    let mut decoders: Vec<DecoderWrapper> =
        vec![Replace::new(space, " ")?.into(), ByteFallback::new().into(), Fuse::new().into()];
    if on {
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    inner.with_decoder(Some(Decoders::new(decoders)));
    Ok(true)
}
