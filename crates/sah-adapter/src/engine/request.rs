//! What goes into the engine and comes out of it.

use tch::Tensor;

use super::{LogitRules, RepeatTokens, ThoughtMarks};
use crate::{AnswerStats, Draws, Error, GenerationParams, MicroMetrics, NewToken, Thoughts};

/// A context and the questions about it, as tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenRequest<'a> {
    pub(crate) context: &'a [u32],
    pub(crate) questions: &'a [QuestionTokens],
    /// How the model is asked to repeat the context, for retentions that look at that.
    pub(crate) repeat: &'a RepeatTokens,
}

impl TokenRequest<'_> {
    /// Tokens of the longest prompt. Rotary embeddings that depend on it treat all questions' prompts as this long, so that they share
    /// their context.
    pub(crate) fn prompt(&self) -> usize {
        let questions = self.questions.iter().map(|question| question.ids.len());
        self.context.len() + questions.max().unwrap_or_default()
    }
}

/// The tokens of one question.
#[derive(Debug)]
pub(crate) struct QuestionTokens {
    /// The question, what the chat template puts after it, and the answer prefix.
    pub(crate) ids: Vec<u32>,
    /// How many of them a retention that sees the question sees: those of its text, without the last token of all.
    pub(crate) seen: usize,
    /// Whether they end within thoughts, which the chat template has opened.
    pub(crate) in_thoughts: bool,
    pub(crate) limit: AnswerLimit,
    /// Which random numbers the answer draws; `None` for those of the question's number.
    pub(crate) draws: Option<Draws>,
}

/// The most new tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnswerLimit {
    /// Of thoughts; 0 where these count as part of the answer.
    pub(crate) thoughts: usize,
    /// Of the answer.
    pub(crate) answer: usize,
}

impl AnswerLimit {
    /// Of both together.
    pub(crate) fn tokens(self) -> usize {
        self.thoughts + self.answer
    }
}

impl QuestionTokens {
    /// Which random numbers the answer draws, as the question of this `number` in its request.
    pub(super) fn draws(&self, number: usize) -> Draws {
        self.draws.unwrap_or(Draws { repeat: 0, stream: number as u64 })
    }

    /// Tokens of the question and of the longest answer.
    pub(crate) fn length(&self) -> usize {
        self.ids.len() + self.limit.tokens()
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
    /// What is done to logits first.
    pub(crate) logits: &'a LogitRules,
    pub(crate) params: &'a GenerationParams,
    pub(crate) thoughts: ThoughtMarks,
}

/// What was generated for one question.
#[derive(Debug)]
pub(crate) struct Generated {
    /// The new tokens, with the one that ended the answer if one did.
    pub(crate) ids: Vec<u32>,
    /// The text of all but thoughts and an end of turn, cut before the first stop string.
    pub(crate) text: String,
    /// What was thought before.
    pub(crate) thoughts: Option<Thoughts>,
    /// The logits from which the first new token was chosen, `[vocabulary]`; `None` for an answer of no tokens.
    pub(crate) first_logits: Option<Tensor>,
    pub(crate) stats: AnswerStats,
    /// Measured attention calls; `None` where none was to be.
    pub(crate) micro_metrics: Option<MicroMetrics>,
}

/// Where new tokens are handed to.
pub(crate) type OnToken<'a> = dyn FnMut(NewToken<'_>) + 'a;
