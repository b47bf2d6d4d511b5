//! A tokenizer built from the metadata of a GGUF file.

use tokenizers::AddedToken;

use super::spm::Form;
use super::vocabulary::{Vocabulary, check_id, tokens};
use super::{SpecialTokens, Tokenizer, byte_level, spm};
use crate::Error;
use crate::weights::gguf::{Gguf, Metadata};

/// `tokenizer.ggml.token_type` of tokens that are not text: `<|im_end|>` and the like.
const CONTROL: u64 = 3;
/// ... and of tokens that are text but never the result of a merge.
const USER_DEFINED: u64 = 4;

impl Tokenizer {
    /// From the tokens and merges, or scores, of a GGUF file.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] that names the kind where it is not known; [`Error::Field`] for impossible metadata.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let failed = |error: tokenizers::Error| Error::Tokenizer {
            path: gguf.path.clone(),
            problem: error.to_string(),
        };
        let key = "tokenizer.ggml.model";
        let model = metadata.required(key, "the name of a tokenizer", metadata.text(key)?)?;
        let vocabulary = Vocabulary::new(gguf)?;
        let (mut inner, adds_bos) = match model {
            "gpt2" => byte_level::build(gguf, &vocabulary)?,
            "llama" => spm::build(gguf, &vocabulary, Form::Llama)?,
            "gemma4" => spm::build(gguf, &vocabulary, Form::Gemma4)?,
            other => {
                let supported = "gpt2 (byte-level byte-pair encoding), llama and gemma4 (byte-pair encoding of SentencePiece)";
                return Err(metadata.unsupported(key, other, supported));
            }
        };
        for (special, token_type) in [(true, CONTROL), (false, USER_DEFINED)] {
            let added = vocabulary.of_type(token_type).map(|token| {
                // Written as they are, whatever a normalizer would make of them.
                let added = |token: String| AddedToken::from(token, special).normalized(false);
                if model == "llama" {
                    added(spm::unescaped(token)).rstrip(swallows_spaces(gguf, token))
                } else {
                    added(token.to_owned())
                }
            });
            let added: Vec<AddedToken> = added.collect();
            inner.add_tokens(added).map_err(failed)?;
        }
        let bos = if metadata.bool("tokenizer.ggml.add_bos_token")?.unwrap_or(adds_bos) {
            let key = "tokenizer.ggml.bos_token_id";
            let id = metadata.required(
                key,
                "a token number, as add_bos_token asks for",
                metadata.token_id(key)?,
            )?;
            check_id(&metadata, key, id, vocabulary.tokens.len())?;
            Some(id)
        } else {
            None
        };
        Ok(Self { inner, path: gguf.path.clone(), bos, clean_up: false, remarks: vec![] })
    }
}

/// Whether white space after a token belongs to it. Files do not say so; of the known models it is so for the special
/// tokens of the first Phi-3 models, which have a tokenizer of this kind.
fn swallows_spaces(gguf: &Gguf, token: &str) -> bool {
    let phi3 = Metadata(gguf).text("general.architecture").is_ok_and(|name| name == Some("phi3"));
    phi3 && (token == "</s>" || token.starts_with("<|") && token != "<|endoftext|>")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Detokenizer as _;
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

    fn tiny(model: &str) -> Builder {
        Builder::new()
            .string("tokenizer.ggml.model", model)
            .strings("tokenizer.ggml.tokens", &["<unk>", "<s>", "a", "b", "ab", "  "])
            .i32s("tokenizer.ggml.token_type", &[2, 3, 1, 1, 1, 4])
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
            unknown.contains("`tokenizer.ggml.pre` is `viking`")
                && unknown.contains("llama-bpe")
                && unknown.contains("tokenizer.json, which is read"),
            "{unknown}"
        );
        let bert = problem(tiny("bert"));
        assert!(
            bert.contains("`tokenizer.ggml.model` is `bert`") && bert.contains("SentencePiece"),
            "{bert}"
        );
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
        let scores = problem(tiny("llama").f32s("tokenizer.ggml.scores", &[0.0]));
        assert!(scores.contains("one number for each of the 6 tokens, found 1"), "{scores}");
        let bos = tokens()
            .strings("tokenizer.ggml.merges", &[])
            .bool("tokenizer.ggml.add_bos_token", true)
            .u32("tokenizer.ggml.bos_token_id", 9);
        assert!(problem(bos).contains("a token below 2, found 9"));
    }

    /// Encodes the texts of a golden file with the tokenizer of the file beside it.
    fn check_goldens(kind: &str, decoded: impl Fn(&serde_json::Value) -> Option<String>) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let gguf = Gguf::open(&folder.join(format!("tokenizer-{kind}.gguf"))).unwrap();
        let goldens = crate::hf::json::read(&folder.join(format!("tokenizer-{kind}.json"))).unwrap();
        check(kind, &gguf, &goldens, decoded);
    }

    fn check(
        kind: &str,
        gguf: &Gguf,
        goldens: &serde_json::Value,
        decoded: impl Fn(&serde_json::Value) -> Option<String>,
    ) {
        let tokenizer = Tokenizer::from_gguf(gguf).unwrap();
        for golden in goldens.as_array().unwrap() {
            let text = golden["text"].as_str().unwrap();
            let ids = tokenizer.encode(text).unwrap();
            assert_eq!(serde_json::json!(ids), golden["ids"], "{kind}: {text:?}");
            if let Some(decoded) = decoded(golden) {
                assert_eq!(tokenizer.decode(&ids).unwrap(), decoded, "{kind}");
            }
        }
    }

    /// The files and tokens were made by a plain Python encoder, see `tests/reference/bpe.py`.
    #[test]
    fn every_byte_level_kind_gives_the_tokens_of_the_reference() {
        for kind in [
            "gpt-2",
            "smollm",
            "llama-bpe",
            "qwen2",
            "gpt-4o",
            "qwen35",
            "tekken",
            "seed-coder",
            "deepseek-llm",
            "deepseek-coder",
            "deepseek-v3",
            "glm4",
            "dbrx",
            "command-r",
        ] {
            check_goldens(kind, |golden| {
                let text = golden["text"].as_str().unwrap();
                let composed = ["qwen2", "qwen35", "command-r"].contains(&kind)
                    && text.contains(['\u{300}', '\u{301}', '\u{30a}', '\u{308}']);
                (!text.contains("<|") && !composed).then(|| text.to_owned())
            });
        }
    }

    /// Those of `tests/reference/converted.py`.
    #[test]
    fn models_of_every_architecture_have_a_tokenizer_that_is_known() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_model = |path: &std::path::PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("converted-") && path.extension().is_some_and(|end| end == "gguf")
        };
        let models: Vec<_> = files.filter(is_model).collect();
        assert_eq!(models.len(), 20);
        for path in models {
            let tokenizer = Tokenizer::from_gguf(&Gguf::open(&path).unwrap()).unwrap();
            let text = "The tide, 1234; don't";
            let ids = tokenizer.encode(text).unwrap();
            assert_eq!(tokenizer.decode(&ids).unwrap().trim_start(), text, "{}", path.display());
        }
    }

    /// The models were trained by the `sentencepiece` package and the tokens are those of transformers' converters, see
    /// `tests/reference/sentencepieces.py`.
    #[test]
    fn sentencepiece_models_give_the_tokens_of_transformers() {
        for kind in ["spm", "gemma"] {
            check_goldens(kind, |golden| Some(golden["decoded"].as_str().unwrap().to_owned()));
        }
    }

    /// The file was written by llama.cpp's converter and the tokens are those of transformers' class, see
    /// `tests/reference/gemma4_tokenizer.py`.
    #[test]
    fn gemma_4_gives_the_tokens_of_transformers() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let gguf = Gguf::open(&folder.join("converted-gemma4.gguf")).unwrap();
        let goldens = crate::hf::json::read(&folder.join("converted-gemma4.json")).unwrap();
        assert!(goldens["texts"].as_array().unwrap().len() > 30);
        check("gemma4", &gguf, &goldens["texts"], |golden| {
            Some(golden["decoded"].as_str().unwrap().to_owned())
        });
        assert_eq!(Tokenizer::from_gguf(&gguf).unwrap().bos_to_prepend(), Some(2));
        let without = Builder::new()
            .string("tokenizer.ggml.model", "gemma4")
            .strings("tokenizer.ggml.tokens", &["a"])
            .f32s("tokenizer.ggml.scores", &[0.0]);
        let problem = build(without).unwrap_err().to_string();
        assert!(problem.contains("`tokenizer.ggml.merges`: expected an array of texts"), "{problem}");
    }

    #[test]
    fn white_space_behind_the_special_tokens_of_phi3_belongs_to_them() {
        let ids = |architecture: &str| {
            let builder = Builder::new()
                .string("general.architecture", architecture)
                .string("tokenizer.ggml.model", "llama")
                .strings(
                    "tokenizer.ggml.tokens",
                    &["<unk>", "<s>", "\u{2581}", "a", "<|user|>", "<|endoftext|>"],
                )
                .f32s("tokenizer.ggml.scores", &[0.0, 0.0, -1.0, -2.0, -1000.0, -1000.0])
                .i32s("tokenizer.ggml.token_type", &[2, 3, 1, 1, 3, 3])
                .u32("tokenizer.ggml.bos_token_id", 1);
            build(builder).unwrap().encode("<|user|> a<|endoftext|> a").unwrap()
        };
        assert_eq!(ids("llama"), [4, 2, 2, 3, 5, 2, 2, 3]);
        assert_eq!(ids("phi3"), [4, 2, 3, 5, 2, 2, 3]);
    }
}
