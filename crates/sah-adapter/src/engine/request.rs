//! What goes into the engine and comes out of it.

use tch::Tensor;

use crate::{AnswerStats, Error, GenerationParams, MicroMetrics, NewToken};

/// A context and the questions about it, as tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenRequest<'a> {
    pub(crate) context: &'a [u32],
    pub(crate) questions: &'a [QuestionTokens],
}

/// The tokens of one question.
#[derive(Debug)]
pub(crate) struct QuestionTokens {
    /// The question, what the chat template puts after it, and the answer prefix.
    pub(crate) ids: Vec<u32>,
    pub(crate) max_new_tokens: usize,
}

impl QuestionTokens {
    /// Tokens of the question and of the longest answer.
    pub(crate) fn length(&self) -> usize {
        self.ids.len() + self.max_new_tokens
    }
}

/// Turns tokens into text.
pub(crate) trait Detokenizer: std::fmt::Debug {
    /// The text of `ids`, without special tokens.
    fn decode(&self, ids: &[u32]) -> Result<String, Error>;
}

/// How the tokens of answers are chosen, and where answers end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerRules<'a> {
    pub(crate) detokenizer: &'a dyn Detokenizer,
    /// Any of these ends an answer, the first token included.
    pub(crate) eos: &'a [u32],
    pub(crate) params: &'a GenerationParams,
}

/// What was generated for one question.
#[derive(Debug)]
pub(crate) struct Generated {
    /// The new tokens, with the one that ended the answer if one did.
    pub(crate) ids: Vec<u32>,
    /// The text of all but an end of turn, cut before the first stop string.
    pub(crate) text: String,
    /// The logits from which the first new token was chosen, `[vocabulary]`; `None` for an answer of no tokens.
    pub(crate) first_logits: Option<Tensor>,
    pub(crate) stats: AnswerStats,
    /// Measured attention calls; `None` where none was to be.
    pub(crate) micro_metrics: Option<MicroMetrics>,
}

/// Where new tokens are handed to.
pub(crate) type OnToken<'a> = dyn FnMut(NewToken<'_>) + 'a;
