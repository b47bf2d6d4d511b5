//! Questions of a request that are decoded together.

use super::{QuestionTokens, TokenRequest};

/// Questions that are decoded in one batch at most: more would take the memory of more answers.
const MAX_BATCH: usize = 8;

/// How the questions of a request share its cache.
#[derive(Debug)]
pub(super) struct Batching {
    /// Questions of a batch.
    pub(super) size: usize,
    /// Tokens of the longest question and answer.
    pub(super) longest: usize,
    /// Tokens that questions and answers need room for after the context.
    pub(super) room: usize,
}

impl Batching {
    /// Of the questions of `request`.
    pub(super) fn of(request: &TokenRequest<'_>) -> Self {
        let (context, questions) = (request.context.len(), request.questions);
        let longest = questions.iter().map(QuestionTokens::length).max().unwrap_or_default();
        // The slots of a batch should not take more room than their context.
        let size = (context / longest.max(1)).clamp(1, MAX_BATCH).min(questions.len());
        let room = match size {
            0 | 1 => longest,
            size => (size + 1) * longest,
        };
        Self { size, longest, room }
    }
}
