//! Counting tokens, for whoever makes texts of a length in tokens.

use crate::ModelError;

/// Counts the tokens of a text as a model reads it.
pub trait TokenCount {
    /// The tokens of `text` alone, without any that a model or a chat template puts around it.
    ///
    /// # Errors
    ///
    /// Where there is no tokenizer, or it cannot read the text.
    fn count(&self, text: &str) -> Result<usize, ModelError>;
}

/// Counts nothing: for texts that are there already.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTokenizer;

impl TokenCount for NoTokenizer {
    fn count(&self, _: &str) -> Result<usize, ModelError> {
        Err(ModelError::new(
            "no tokenizer to count tokens with; these rows are made for the model that reads them",
        ))
    }
}
