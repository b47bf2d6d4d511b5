//! How a text is split before byte-pair encoding, by the names that GGUF files use for it.

use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior};

/// Llama 3: words with one leading character, digits in threes.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2: as Llama 3, digits one by one.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// GPT-4o and Phi-4-mini: words are cut where capitals begin, and keep the apostrophe's ending.
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A kind of splitting that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// GPT-2's pattern.
    Gpt2,
    /// Digits one by one, then GPT-2's pattern.
    SmolLm,
    LlamaBpe,
    Qwen2,
    Gpt4o,
}

impl Kind {
    /// What an error lists.
    pub(super) const SUPPORTED: &'static str = "gpt-2, smollm, llama-bpe, qwen2, deepseek-r1-qwen, gpt-4o";

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gpt-2" => Self::Gpt2,
            "smollm" => Self::SmolLm,
            "llama-bpe" => Self::LlamaBpe,
            // The second is Qwen's with a beginning-of-sequence token.
            "qwen2" | "deepseek-r1-qwen" => Self::Qwen2,
            "gpt-4o" => Self::Gpt4o,
            _ => return None,
        })
    }

    /// Whether a piece that is a token as it stands is taken without looking at the merges.
    pub(super) fn ignores_merges(self) -> bool {
        self == Self::LlamaBpe
    }

    /// Whether a file that does not say so wants the beginning-of-sequence token.
    pub(super) fn adds_bos(self) -> bool {
        self == Self::LlamaBpe
    }

    /// Qwen composes characters first.
    pub(super) fn normalizer(self) -> Option<NFC> {
        (self == Self::Qwen2).then_some(NFC)
    }

    pub(super) fn pre_tokenizer(self) -> Result<PreTokenizerWrapper, tokenizers::Error> {
        let bytes = |with_gpt2_pattern: bool| ByteLevel::new(false, true, with_gpt2_pattern);
        let split = |pattern: &str| {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
        };
        Ok(match self {
            Self::Gpt2 => bytes(true).into(),
            Self::SmolLm => Sequence::new(vec![Digits::new(true).into(), bytes(true).into()]).into(),
            Self::LlamaBpe => Sequence::new(vec![split(LLAMA3)?.into(), bytes(false).into()]).into(),
            Self::Qwen2 => Sequence::new(vec![split(QWEN2)?.into(), bytes(false).into()]).into(),
            Self::Gpt4o => Sequence::new(vec![split(GPT4O)?.into(), bytes(false).into()]).into(),
        })
    }
}
