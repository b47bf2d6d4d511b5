//! GPT-2's tokenizer from the two files that it was published with, for checkpoints from before `tokenizer.json`.

use std::path::Path;

use tokenizers::AddedToken;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::guard::guarded;
use crate::Error;

/// Tokens and their numbers.
pub(in crate::hf) const VOCABULARY: &str = "vocab.json";
/// Which tokens are joined, the first ones first.
pub(in crate::hf) const MERGES: &str = "merges.txt";

/// Ends every text, and begins it too; transformers' default for this class.
const END_OF_TEXT: &str = "<|endoftext|>";

/// Byte-level byte-pair encoding as transformers' `GPT2Tokenizer` does it.
pub(super) fn build(folder: &Path) -> Result<tokenizers::Tokenizer, Error> {
    let path = folder.join(VOCABULARY);
    let failed =
        |error: tokenizers::Error| Error::Tokenizer { path: path.clone(), problem: error.to_string() };
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let files = (text(&path), text(&folder.join(MERGES)));
    let bpe = guarded(|| BPE::from_file(&files.0, &files.1).build()).map_err(failed)?;
    let mut inner = tokenizers::Tokenizer::new(bpe);
    inner.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
    inner.with_decoder(Some(ByteLevel::default()));
    if inner.token_to_id(END_OF_TEXT).is_some() {
        inner.add_special_tokens([AddedToken::from(END_OF_TEXT, true)]).map_err(failed)?;
    }
    Ok(inner)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::byte_vocabulary;
    use super::super::{SpecialTokens, Tokenizer};
    use super::{MERGES, VOCABULARY};
    use crate::Error;
    use crate::engine::Detokenizer as _;

    /// With `merges` and the tokens that they make from number 256 on.
    fn read(merges: &str) -> Result<Tokenizer, Error> {
        let folder = tempfile::tempdir().unwrap();
        let mut vocabulary = byte_vocabulary();
        for (number, token) in ["ab", "abc", "\u{120}a", "<|endoftext|>"].into_iter().enumerate() {
            vocabulary.insert(token.to_owned(), json!(256 + number));
        }
        std::fs::write(folder.path().join(VOCABULARY), Value::Object(vocabulary).to_string()).unwrap();
        std::fs::write(folder.path().join(MERGES), merges).unwrap();
        Tokenizer::from_gpt2(folder.path(), &Value::Null, &SpecialTokens::default())
    }

    /// The numbers are those of transformers 4.57.6, `GPT2Tokenizer` and `GPT2TokenizerFast`, for the same two files.
    #[test]
    fn it_gives_the_tokens_that_transformers_gives() {
        let tokenizer = read("#version: 0.2\na b\nab c\n\u{120} a\n").unwrap();
        assert_eq!(tokenizer.encode("abcab a  ab").unwrap(), [257, 256, 258, 32, 32, 256]);
        let text = "it's 12\u{e9}\u{4e2d}<|endoftext|>ab\n";
        let ids = [105, 116, 39, 115, 32, 49, 50, 195, 169, 228, 184, 173, 259, 256, 10];
        assert_eq!(tokenizer.encode(text).unwrap(), ids);
        assert_eq!(tokenizer.decode(&ids).unwrap(), "it's 12\u{e9}\u{4e2d}ab\n");
        assert_eq!(tokenizer.bos_to_prepend(), None);
    }

    #[test]
    fn a_merge_of_unknown_tokens_is_an_error_that_names_the_folder() {
        let error = read("#version: 0.2\nq z\n").unwrap_err().to_string();
        assert!(error.contains("vocab.json"), "{error}");
    }
}
