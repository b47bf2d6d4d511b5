//! Byte-pair encoding of SentencePiece from the metadata of a GGUF file: the kinds that llama.cpp calls `llama`
//! (Llama 2, Mistral, the first Phi-3 models, Gemma) and `gemma4`.
//!
//! Files of `llama` have scores of tokens and no merges. The merges are found as transformers finds them when it converts a
//! SentencePiece model: every way to put a token together from two others, the token of the highest score first.

use std::cmp::Ordering;

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};

use super::vocabulary::{self, Vocabulary, check_distinct, check_id};
use crate::Error;
use crate::weights::gguf::{Gguf, Metadata};

/// How SentencePiece writes a space.
const SPACE: &str = "\u{2581}";

/// Longest token that is taken apart, in characters. Real ones have at most a few dozen; without a limit a broken file
/// would cost the square of its size.
const MAX_CHARACTERS: usize = 1024;

/// How a file has its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With scores; a text begins with a space where the file does not say otherwise.
    Llama,
    /// With merges, each token as the tokenizer's own vocabulary has it; nothing is put in front of a text.
    Gemma4,
}

/// The tokenizer without its added tokens, and whether a file that does not say so wants a beginning of sequence.
pub(super) fn build(
    gguf: &Gguf,
    vocabulary: &Vocabulary<'_>,
    form: Form,
) -> Result<(tokenizers::Tokenizer, bool), Error> {
    let metadata = Metadata(gguf);
    let failed =
        |error: tokenizers::Error| Error::Tokenizer { path: gguf.path.clone(), problem: error.to_string() };
    let own = |token: &&str| if form == Form::Llama { unescaped(token) } else { (*token).to_owned() };
    let tokens: Vec<String> = vocabulary.tokens.iter().map(own).collect();
    let ids: Vocab = tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32)).collect();
    check_distinct(&metadata, &ids, tokens.iter().map(String::as_str))?;
    let merges = match form {
        Form::Llama => merges(&tokens, &ids, &scores(&metadata, &tokens)?),
        Form::Gemma4 => vocabulary::merges(&metadata)?,
    };
    let key = "tokenizer.ggml.unknown_token_id";
    let unknown = metadata.token_id(key)?.unwrap_or(0);
    check_id(&metadata, key, unknown, tokens.len())?;
    let bpe = BPE::builder()
        .vocab_and_merges(ids, merges)
        .unk_token(tokens[unknown as usize].clone())
        .fuse_unk(true)
        .byte_fallback(true)
        .build()
        .map_err(failed)?;
    let prefix = metadata.bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(form == Form::Llama);
    let mut normalizers = vec![Replace::new(" ", SPACE).map_err(failed)?.into()];
    let mut decoders = vec![
        Replace::new(SPACE, " ").map_err(failed)?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ];
    if prefix {
        normalizers.insert(0, Prepend::new(SPACE.to_owned()).into());
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    let mut inner = tokenizers::Tokenizer::new(bpe);
    inner.with_normalizer(Some(Normalizers::new(normalizers))).map_err(failed)?;
    inner.with_decoder(Some(Decoders::new(decoders)));
    Ok((inner, true))
}

/// A token as the tokenizer's own vocabulary has it. Converters write the tokens that are runs of spaces (Gemma has
/// some) with spaces, and all others as they are.
pub(super) fn unescaped(token: &str) -> String {
    if token.bytes().all(|byte| byte == b' ') { SPACE.repeat(token.len()) } else { token.to_owned() }
}

/// The score of each token, none of which is too long to be taken apart.
fn scores(metadata: &Metadata<'_>, tokens: &[String]) -> Result<Vec<f64>, Error> {
    let key = "tokenizer.ggml.scores";
    let scores = metadata.required(key, "an array of numbers", metadata.numbers(key)?)?;
    if scores.len() != tokens.len() {
        let expected = format!("one number for each of the {} tokens", tokens.len());
        return Err(metadata.wrong(key, &expected, &scores.len().to_string()));
    }
    if let Some(long) = tokens.iter().find(|token| token.chars().count() > MAX_CHARACTERS) {
        let found = format!("one of {}", long.chars().count());
        let expected = format!("tokens of at most {MAX_CHARACTERS} characters");
        return Err(metadata.wrong("tokenizer.ggml.tokens", &expected, &found));
    }
    Ok(scores)
}

/// All pairs of tokens that make up a token: those of the highest score first; of one score, the longest left part
/// first, then the longest right part, then the order of the tokens and of their parts.
fn merges(tokens: &[String], ids: &Vocab, scores: &[f64]) -> Vec<(String, String)> {
    struct Merge<'a> {
        left: &'a str,
        right: &'a str,
        score: f64,
        characters: (usize, usize),
    }
    let mut merges: Vec<Merge<'_>> = vec![];
    for (token, &score) in tokens.iter().zip(scores) {
        let total = token.chars().count();
        let cuts = token.char_indices().skip(1).enumerate();
        let parts = cuts.filter_map(|(before, (at, _))| {
            let (left, right) = token.split_at(at);
            let order = (*ids.get(left)?, *ids.get(right)?);
            let characters = (before + 1, total - before - 1);
            Some((order, Merge { left, right, score, characters }))
        });
        let mut parts: Vec<_> = parts.collect();
        parts.sort_by_key(|(order, _)| *order);
        merges.extend(parts.into_iter().map(|(_, merge)| merge));
    }
    let descending = |a: &Merge<'_>, b: &Merge<'_>| -> Ordering {
        b.score.total_cmp(&a.score).then_with(|| b.characters.cmp(&a.characters))
    };
    // A stable sort: the order of the tokens decides where nothing else does.
    merges.sort_by(descending);
    merges.into_iter().map(|merge| (merge.left.to_owned(), merge.right.to_owned())).collect()
}
