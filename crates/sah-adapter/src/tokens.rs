//! Counting tokens, for whoever makes texts of a length in tokens.

use crate::Error;

/// Counts the tokens of a text as a model reads it.
pub trait TokenCount {
    /// The tokens of `text` alone, without any that a model or a chat template puts around it.
    ///
    /// # Errors
    ///
    /// Where there is no tokenizer, or it cannot read the text.
    fn count(&self, text: &str) -> Result<usize, Error>;
}

/// Counts nothing: for texts that are there already.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTokenizer;

impl TokenCount for NoTokenizer {
    fn count(&self, _: &str) -> Result<usize, Error> {
        Err(Error::NoTokenizer)
    }
}
