//! Counting tokens, for whoever makes texts of a length in tokens.

use crate::ModelError;

/// Counts the tokens of a text as a model reads it.
///
/// [`TokenCount::count_prompt`] counts what is around a text, too, and several threads may count at the same time.
pub trait TokenCount: Sync {
    /// The tokens of `text` alone, without any that a model or a chat template puts around it.
    ///
    /// # Errors
    ///
    /// Where there is no tokenizer, or it cannot read the text.
    fn count(&self, text: &str) -> Result<usize, ModelError>;

    /// The tokens of a whole prompt as the model reads it: what its chat template puts around `message`, which is context and
    /// question, the token in front of everything, and `answer_prefix`. Where there is neither, those of both texts together.
    ///
    /// # Errors
    ///
    /// As [`TokenCount::count`], and where the template fails.
    fn count_prompt(&self, message: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        self.count(&[message, answer_prefix].concat())
    }
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
