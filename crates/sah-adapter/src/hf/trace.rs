//! The tokens of requests and answers.

/// The tokens of a [`RequestResponse`](crate::RequestResponse): what a comparison with another implementation needs.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The context's tokens, after truncation: those that are read once for all questions.
    pub context_ids: Vec<u32>,
    /// One for each question.
    pub answers: Vec<AnswerTrace>,
}

/// The tokens of a [`Request`](crate::Request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptTokens {
    /// Those that are read once for all questions, after truncation.
    pub context_ids: Vec<u32>,
    /// As [`ContextStats::truncated_tokens`](crate::ContextStats::truncated_tokens).
    pub truncated_tokens: usize,
    /// As [`ContextStats::border_tokens`](crate::ContextStats::border_tokens).
    pub border_tokens: usize,
    /// Those that are read for each question.
    pub question_ids: Vec<Vec<u32>>,
}

/// The tokens of one question and its answer.
#[derive(Clone, Debug)]
pub struct AnswerTrace {
    /// The question's tokens, with what the chat template and the answer prefix add, and those at the border to the context.
    pub question_ids: Vec<u32>,
    /// The new tokens, with the one that ended the turn if one did.
    pub generated_ids: Vec<u32>,
    /// The logits of the first new token, `[vocabulary]`. Empty for an answer of no tokens.
    pub first_logits: Vec<f32>,
}
