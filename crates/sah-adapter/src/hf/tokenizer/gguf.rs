//! A tokenizer built from the metadata of a GGUF file.

use tokenizers::AddedToken;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::pre::Kind;
use super::{SpecialTokens, Tokenizer};
use crate::Error;
use crate::weights::gguf::{Gguf, Metadata};

/// `tokenizer.ggml.token_type` of tokens that are not text: `<|im_end|>` and the like.
const CONTROL: u64 = 3;
/// ... and of tokens that are text but never the result of a merge.
const USER_DEFINED: u64 = 4;

impl Tokenizer {
    /// Byte-level byte-pair encoding from the tokens and merges of a GGUF file.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let path = &gguf.path;
        let problem = |problem: String| Error::Tokenizer { path: path.clone(), problem };
        let failed = |error: tokenizers::Error| problem(error.to_string());
        let kind = kind(gguf)?;

        let tokens = tokens(gguf)?;
        let vocabulary: Vocab =
            tokens.iter().enumerate().map(|(id, token)| ((*token).to_owned(), id as u32)).collect();
        if vocabulary.len() != tokens.len() {
            let twice = tokens.iter().enumerate().find(|(id, token)| vocabulary[**token] != *id as u32);
            let twice = twice.map_or("", |(_, token)| *token);
            return Err(metadata.wrong(
                "tokenizer.ggml.tokens",
                "different tokens",
                &format!("`{twice}` twice"),
            ));
        }
        let bpe = BPE::builder()
            .vocab_and_merges(vocabulary, merges(&metadata)?)
            .ignore_merges(kind.ignores_merges())
            .build()
            .map_err(failed)?;

        let mut inner = tokenizers::Tokenizer::new(bpe);
        inner.with_normalizer(kind.normalizer()).map_err(failed)?;
        inner.with_pre_tokenizer(Some(kind.pre_tokenizer().map_err(failed)?));
        inner.with_decoder(Some(ByteLevel::default()));
        for (special, token_type) in [(true, CONTROL), (false, USER_DEFINED)] {
            let added = of_type(&metadata, &tokens, token_type)?
                .into_iter()
                // Written as they are, whatever a normalizer would make of them.
                .map(|token| AddedToken::from(token, special).normalized(false));
            inner.add_tokens(added).map_err(failed)?;
        }
        let bos = if metadata.bool("tokenizer.ggml.add_bos_token")?.unwrap_or(kind.adds_bos()) {
            let key = "tokenizer.ggml.bos_token_id";
            let id = metadata.required(
                key,
                "a token number, as add_bos_token asks for",
                metadata.token_id(key)?,
            )?;
            check_id(&metadata, key, id, tokens.len())?;
            Some(id)
        } else {
            None
        };
        Ok(Self { inner, path: path.clone(), bos, clean_up: false })
    }
}

impl SpecialTokens {
    /// The tokens whose numbers the metadata gives by role.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let tokens = tokens(gguf)?;
        let mut named = vec![];
        for (name, key) in [
            ("bos_token", "tokenizer.ggml.bos_token_id"),
            ("eos_token", "tokenizer.ggml.eos_token_id"),
            ("unk_token", "tokenizer.ggml.unknown_token_id"),
            ("pad_token", "tokenizer.ggml.padding_token_id"),
        ] {
            let Some(id) = metadata.token_id(key)? else { continue };
            check_id(&metadata, key, id, tokens.len())?;
            named.push((name.to_owned(), tokens[id as usize].to_owned()));
        }
        Ok(Self::new(named))
    }
}

fn tokens(gguf: &Gguf) -> Result<Vec<&str>, Error> {
    let metadata = Metadata(gguf);
    let key = "tokenizer.ggml.tokens";
    metadata.required(key, "an array of texts", metadata.texts(key)?)
}

/// The kind of splitting; an error that names what the file asks for where this crate does not know it.
fn kind(gguf: &Gguf) -> Result<Kind, Error> {
    let metadata = Metadata(gguf);
    let unsupported = |field: &str, found: &str, supported: &str| Error::Unsupported {
        path: gguf.path.clone(),
        field: field.into(),
        found: found.into(),
        supported: supported.into(),
    };
    let (model, pre) = ("tokenizer.ggml.model", "tokenizer.ggml.pre");
    let name = metadata.required(model, "the name of a tokenizer", metadata.text(model)?)?;
    if name != "gpt2" {
        return Err(unsupported(model, name, "gpt2 (byte-level byte-pair encoding)"));
    }
    let name = metadata.required(pre, "the name of a pre-tokenizer", metadata.text(pre)?)?;
    Kind::from_name(name).ok_or_else(|| unsupported(pre, name, Kind::SUPPORTED))
}

fn merges(metadata: &Metadata<'_>) -> Result<Vec<(String, String)>, Error> {
    let key = "tokenizer.ggml.merges";
    metadata
        .required(key, "an array of texts", metadata.texts(key)?)?
        .into_iter()
        .map(|merge| match merge.split_once(' ') {
            // No part has a space in it: bytes are written as printable characters.
            Some((left, right)) if !left.is_empty() && !right.is_empty() && !right.contains(' ') => {
                Ok((left.to_owned(), right.to_owned()))
            }
            _ => Err(metadata.wrong(key, "two tokens with a space between them", &format!("`{merge}`"))),
        })
        .collect()
}

fn of_type(metadata: &Metadata<'_>, tokens: &[&str], wanted: u64) -> Result<Vec<String>, Error> {
    let key = "tokenizer.ggml.token_type";
    let Some(types) = metadata.integers(key)? else { return Ok(vec![]) };
    if types.len() != tokens.len() {
        let expected = format!("one number for each of the {} tokens", tokens.len());
        return Err(metadata.wrong(key, &expected, &types.len().to_string()));
    }
    let of_type = tokens.iter().zip(types).filter(|(_, token_type)| *token_type == wanted);
    Ok(of_type.map(|(token, _)| (*token).to_owned()).collect())
}

pub(super) fn check_id(metadata: &Metadata<'_>, key: &str, id: u32, tokens: usize) -> Result<(), Error> {
    if (id as usize) < tokens {
        return Ok(());
    }
    Err(metadata.wrong(key, &format!("a token below {tokens}"), &id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::testing::{Builder, open};

    fn builder(pre: &str) -> Builder {
        Builder::new()
            .string("tokenizer.ggml.model", "gpt2")
            .string("tokenizer.ggml.pre", pre)
            .strings("tokenizer.ggml.tokens", &["<s>", "a", "b", "ab", "1", "<tool>"])
            .strings("tokenizer.ggml.merges", &["a b"])
            .i32s("tokenizer.ggml.token_type", &[3, 1, 1, 1, 1, 4])
            .u32("tokenizer.ggml.bos_token_id", 0)
    }

    fn build(builder: Builder) -> Result<Tokenizer, Error> {
        Tokenizer::from_gguf(&open(builder).1)
    }

    #[test]
    fn control_tokens_are_special_and_user_defined_ones_are_text() {
        let tokenizer = build(builder("smollm")).unwrap();
        assert_eq!(tokenizer.encode("<s>ab11<tool>a").unwrap(), [0, 3, 4, 4, 5, 1]);
        assert_eq!(tokenizer.decode(&[0, 3, 5, 1]).unwrap(), "ab<tool>a");
    }

    #[test]
    fn bos_is_added_where_the_file_or_its_kind_says_so() {
        let bos = |builder: Builder| build(builder).unwrap().bos_to_prepend();
        assert_eq!(bos(builder("smollm")), None);
        assert_eq!(bos(builder("llama-bpe")), Some(0));
        assert_eq!(bos(builder("llama-bpe").bool("tokenizer.ggml.add_bos_token", false)), None);
        assert_eq!(bos(builder("gpt-2").bool("tokenizer.ggml.add_bos_token", true)), Some(0));
    }

    #[test]
    fn what_is_not_known_or_wrong_is_named() {
        let problem = |builder: Builder| build(builder).unwrap_err().to_string();
        let unknown = problem(builder("viking"));
        assert!(
            unknown.contains("`tokenizer.ggml.pre` is `viking`") && unknown.contains("llama-bpe"),
            "{unknown}"
        );
        let spm = problem(Builder::new().string("tokenizer.ggml.model", "llama"));
        assert!(spm.contains("`tokenizer.ggml.model` is `llama`"), "{spm}");
        let base =
            || Builder::new().string("tokenizer.ggml.model", "gpt2").string("tokenizer.ggml.pre", "gpt-2");
        assert!(
            problem(base()).contains("`tokenizer.ggml.tokens`: expected an array of texts, found nothing")
        );
        let twice = base().strings("tokenizer.ggml.tokens", &["a", "a"]);
        assert!(problem(twice).contains("`a` twice"));
        let tokens = || base().strings("tokenizer.ggml.tokens", &["a", "b"]);
        let merge = problem(tokens().strings("tokenizer.ggml.merges", &["ab"]));
        assert!(merge.contains("found `ab`"), "{merge}");
        let unknown_part = problem(tokens().strings("tokenizer.ggml.merges", &["a c"]));
        assert!(unknown_part.starts_with("tokenizer of "), "{unknown_part}");
        let types = tokens().strings("tokenizer.ggml.merges", &[]).i32s("tokenizer.ggml.token_type", &[1]);
        assert!(problem(types).contains("one number for each of the 2 tokens"));
        let bos = tokens()
            .strings("tokenizer.ggml.merges", &[])
            .bool("tokenizer.ggml.add_bos_token", true)
            .u32("tokenizer.ggml.bos_token_id", 9);
        assert!(problem(bos).contains("a token below 2, found 9"));
    }

    /// The files and tokens were made by a plain Python encoder, see `tests/reference/bpe.py`.
    #[test]
    fn every_kind_gives_the_tokens_of_the_reference() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        for kind in Kind::SUPPORTED.split(", ") {
            let gguf = Gguf::open(&folder.join(format!("tokenizer-{kind}.gguf"))).unwrap();
            let tokenizer = Tokenizer::from_gguf(&gguf).unwrap();
            let goldens = crate::hf::json::read(&folder.join(format!("tokenizer-{kind}.json"))).unwrap();
            for golden in goldens.as_array().unwrap() {
                let text = golden["text"].as_str().unwrap();
                let ids = tokenizer.encode(text).unwrap();
                assert_eq!(serde_json::json!(ids), golden["ids"], "{kind}: {text:?}");
                let composed = kind == "qwen2" && text.contains(['\u{301}', '\u{30a}', '\u{308}']);
                if !text.contains("<|") && !composed {
                    assert_eq!(tokenizer.decode(&ids).unwrap(), text, "{kind}");
                }
            }
        }
    }
}
