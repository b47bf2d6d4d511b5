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
/// Qwen 3.5: as Qwen 2, with marks in words.
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Seed: as Qwen 2, with line breaks apart from what stands before them.
const SEED: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
/// GPT-4o and Phi-4-mini: words are cut where capitals begin, and keep the apostrophe's ending.
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Mistral's Tekken: as GPT-4o without the endings, digits one by one.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// What DeepSeek's first models take for scripts without spaces.
const HAN: &str = "[一-龥\u{800}-一가-\u{d7ff}]+";
/// DeepSeek V3, one pattern after another.
const DEEPSEEK_V3: [&str; 3] = [
    r"\p{N}{1,3}",
    "[一-龥\u{3040}-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];
/// DeepSeek's models for code. Digits one by one are next.
const DEEPSEEK_CODER: [&str; 4] = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN];
/// DeepSeek's first models, with letters that have a capital or are one, by the Unicode of then. Digits one by one are next.
const DEEPSEEK_LLM: [&str; 5] = [
    r"[\r\n]",
    concat!(
        r"\s?[",
        "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛ",
        "ὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗ",
        "Ａ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃",
        "]+"
    ),
    "\\s?[!-/:-~！-／：-～‘-‟\u{3000}-。]+",
    r"\s+$",
    HAN,
];

/// A way to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Splitting {
    /// GPT-2's pattern.
    Gpt2,
    /// Digits one by one, then GPT-2's pattern.
    DigitsGpt2,
    /// Patterns, one after another.
    Patterns(&'static [&'static str]),
    /// The same, then digits one by one.
    PatternsDigits(&'static [&'static str]),
}

/// A kind of tokenizer that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// By what names.
    names: &'static [&'static str],
    splitting: Splitting,
    /// Whether characters are composed first.
    composes: bool,
    /// Whether a piece that is a token as it stands is taken without looking at the merges.
    pub(super) ignores_merges: bool,
    /// Whether a file that does not say so wants the beginning-of-sequence token.
    pub(super) adds_bos: bool,
}

const GPT2: Kind = kind(&["gpt-2", "olmo", "exaone4"], Splitting::Gpt2);
// The second is Qwen's with a beginning-of-sequence token.
const QWEN2_KIND: Kind =
    Kind { composes: true, ..kind(&["qwen2", "deepseek-r1-qwen"], Splitting::Patterns(&[QWEN2])) };

const fn kind(names: &'static [&'static str], splitting: Splitting) -> Kind {
    Kind { names, splitting, composes: false, ignores_merges: false, adds_bos: false }
}

use Splitting::{DigitsGpt2, Gpt2, Patterns, PatternsDigits};

/// What of them is not in the names is as in llama.cpp, and, where transformers has the tokenizer's class, as there.
#[rustfmt::skip] // one line each
static KINDS: [Kind; 14] = [
    GPT2,
    kind(&["smollm", "refact", "starcoder"], DigitsGpt2),
    Kind { composes: true, ..kind(&["command-r"], DigitsGpt2) },
    Kind { ignores_merges: true, adds_bos: true, ..kind(&["llama-bpe", "llama3", "llama-v3"], Patterns(&[LLAMA3])) },
    Kind { ignores_merges: true, ..kind(&["glm4"], Patterns(&[LLAMA3])) },
    kind(&["dbrx", "smaug-bpe", "chatglm-bpe"], Patterns(&[LLAMA3])),
    QWEN2_KIND,
    Kind { composes: true, ..kind(&["qwen35"], Patterns(&[QWEN35])) },
    kind(&["gpt-4o", "llama4"], Patterns(&[GPT4O])),
    Kind { ignores_merges: true, adds_bos: true, ..kind(&["tekken"], Patterns(&[TEKKEN])) },
    kind(&["seed-coder"], Patterns(&[SEED])),
    kind(&["deepseek-v3", "hunyuan-dense"], Patterns(&DEEPSEEK_V3)),
    kind(&["deepseek-coder"], PatternsDigits(&DEEPSEEK_CODER)),
    kind(&["deepseek-llm"], PatternsDigits(&DEEPSEEK_LLM)),
];

impl Kind {
    pub(super) const GPT2: Self = GPT2;
    pub(super) const QWEN2: Self = QWEN2_KIND;

    pub(super) fn from_name(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.names.contains(&name))
    }

    /// What an error lists.
    pub(super) fn supported() -> String {
        let names: Vec<&str> = KINDS.iter().flat_map(|kind| kind.names).copied().collect();
        format!(
            "{}; the folder of the model in Hugging Face form has its tokenizer in tokenizer.json, which is read",
            names.join(", ")
        )
    }

    pub(super) fn normalizer(self) -> Option<NFC> {
        self.composes.then_some(NFC)
    }

    pub(super) fn pre_tokenizer(self) -> Result<PreTokenizerWrapper, tokenizers::Error> {
        let bytes = |with_gpt2_pattern: bool| ByteLevel::new(false, true, with_gpt2_pattern);
        let digits = || PreTokenizerWrapper::from(Digits::new(true));
        let mut all = match self.splitting {
            Gpt2 => return Ok(bytes(true).into()),
            DigitsGpt2 => return Ok(Sequence::new(vec![digits(), bytes(true).into()]).into()),
            Patterns(patterns) | PatternsDigits(patterns) => {
                patterns.iter().map(|pattern| split(pattern)).collect::<Result<Vec<_>, _>>()?
            }
        };
        if matches!(self.splitting, PatternsDigits(_)) {
            all.push(digits());
        }
        all.push(bytes(false).into());
        Ok(Sequence::new(all).into())
    }
}

fn split(pattern: &str) -> Result<PreTokenizerWrapper, tokenizers::Error> {
    let pattern = SplitPattern::Regex(pattern.to_owned());
    Ok(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into())
}

#[cfg(test)]
mod tests {
    use super::KINDS;

    #[test]
    fn no_name_is_that_of_two_kinds() {
        let mut names: Vec<&str> = KINDS.iter().flat_map(|kind| kind.names).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
