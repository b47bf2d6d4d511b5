//! What can go wrong between a request and its answers.

/// Errors of this crate. Each names the place and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The context, a question and its answer need more positions than the model has.
    #[error(
        "context ({context} tokens), question ({question}) and answer (up to {answer}) need more than the model's \
         {positions} positions; lower --max-context-length to at most {}", positions.saturating_sub(question + answer)
    )]
    TooLong {
        /// Tokens of the context.
        context: usize,
        /// Tokens of the question.
        question: usize,
        /// Limit on new tokens.
        answer: usize,
        /// Positions that the model was made for.
        positions: usize,
    },
    /// An adapter that is no model of this crate failed in its own way.
    #[error("{0}")]
    Other(String),
}
