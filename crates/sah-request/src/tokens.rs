//! What is to be known of a model by whoever makes texts of a length in tokens.

use crate::ModelError;

/// Counts the tokens of a text as a model reads it, and the room that a run gives it.
///
/// [`TokenCount::count_prompt`] counts what is around a text, too, and several threads may count at the same time.
pub trait TokenCount: Sync {
    /// The tokens of `text` alone, without any that a model or a chat template puts around it.
    ///
    /// # Errors
    ///
    /// Where there is no tokenizer, or it cannot read the text.
    fn count(&self, text: &str) -> Result<usize, ModelError>;

    /// The tokens of a whole prompt as the model reads it: what its chat template puts around `context` and `question`, the token
    /// in front of everything, and `answer_prefix`. Where there is neither, those of the three texts together.
    ///
    /// # Errors
    ///
    /// As [`TokenCount::count`], and where the template fails.
    fn count_prompt(&self, context: &str, question: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        self.count(&[context, question, answer_prefix].concat())
    }

    /// The most new tokens for a row whose own limit is `limit`: with thoughts, and with another limit where a run has one.
    fn answer_room(&self, limit: usize) -> usize {
        limit
    }

    /// How many tokens prompt and answer together may have; `None` where nothing is known of it.
    ///
    /// # Errors
    ///
    /// Where the model's files do not say it.
    fn positions(&self) -> Result<Option<usize>, ModelError> {
        Ok(None)
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
