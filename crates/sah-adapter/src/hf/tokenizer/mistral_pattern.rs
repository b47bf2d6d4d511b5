//! `fix_mistral_regex` of `tokenizer_config.json`: Mistral's pattern for files that were published with Llama's.

use serde_json::Value;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior};

use super::files::TokenizerFiles;

/// As transformers 4.57.6 has it.
const PATTERN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Smaller vocabularies are of SentencePiece and have no pattern.
const SMALLEST: usize = 100_000;

/// Models whose files transformers up to 4.57.2 wrote with the wrong pattern.
const MODELS: [&str; 5] = ["mistral", "mistral3", "voxtral", "ministral", "pixtral"];

/// Whether transformers would look at the switch: for tokenizers that may have the wrong pattern.
pub(super) fn concerns(inner: &tokenizers::Tokenizer, files: &TokenizerFiles) -> bool {
    if inner.get_vocab_size(false) <= SMALLEST || files.model == Value::Null {
        return false;
    }
    match files.model["transformers_version"].as_str().map(version) {
        Some(version) if version <= [4, 57, 2] => {
            files.model_type().is_empty() || MODELS.contains(&files.model_type())
        }
        Some(version) => version < [5, 0, 0],
        None => true,
    }
}

/// Puts the pattern in the place of the first pre-tokenizer. False where there is not one before others.
pub(super) fn apply(inner: &mut tokenizers::Tokenizer) -> Result<bool, tokenizers::Error> {
    let Some(PreTokenizerWrapper::Sequence(parts)) = inner.get_pre_tokenizer() else { return Ok(false) };
    let mut parts = parts.clone();
    let Some(first) = parts.as_mut().first_mut() else { return Ok(false) };
    let pattern = SplitPattern::Regex(PATTERN.to_owned());
    *first = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into();
    inner.with_pre_tokenizer(Some(parts));
    Ok(true)
}

/// The first three numbers of a version; those of a release candidate are those of its release.
fn version(text: &str) -> [u32; 3] {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("4.57.2"), [4, 57, 2]);
        assert!(version("4.6") < version("4.57.2") && version("5.0.0.dev0") == [5, 0, 0]);
    }
}
