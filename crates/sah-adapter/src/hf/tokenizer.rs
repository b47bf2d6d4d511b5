//! Text to tokens and back.
use crate::Error;

#[derive(Debug)]
pub(crate) struct Tokenizer;

impl Tokenizer {
    /// Tokens of `text`. Nothing is added; special tokens that are written in the text are recognised.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let _ = text;
        Err(Error::Other("Tokenizer::encode is being written".into()))
    }
    /// The text of `ids` without special tokens.
    pub(crate) fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        let _ = ids;
        Err(Error::Other("Tokenizer::decode is being written".into()))
    }
    /// The token that this model expects before the first token of a text, if any.
    pub(crate) fn bos_to_prepend(&self) -> Option<u32> {
        None
    }
}
