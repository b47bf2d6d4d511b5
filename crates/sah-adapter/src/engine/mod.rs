//! Answers requests of token ids: the context is prefilled once, then the answers to its questions are decoded.
//!
//! Nothing here knows where a model comes from or how its text is written: a [`TokenRequest`] comes in, [`Generated`] answers
//! go out.

mod answer_text;
mod attention_plan;
mod batching;
mod busy_pool;
mod cache_figures;
mod call_log;
mod context_log;
mod contexts;
mod decode;
mod growing;
mod head_scores;
mod keeping;
mod logit_rules;
mod observed;
mod prefill;
mod processors;
mod repetition;
mod request;
mod sampler;
mod session;
mod slot;
mod text;
mod thoughts;
mod warpers;
mod whole_context;

use std::cell::RefCell;

use sah_attention::KvFormat;

pub use attention_plan::RetentionSees;
pub(crate) use attention_plan::{AttentionPlan, RetentionPlan};
pub(crate) use head_scores::head_scores;
pub(crate) use logit_rules::{BiasedSequence, DecayPenalty, LogitRules};
pub(crate) use observed::Observed;
#[cfg(test)]
pub(crate) use processors::{AnswerLimits, Processors};
pub use repetition::RepeatTokens;
pub(crate) use request::{
    AnswerLimit, AnswerRules, Detokenizer, Generated, OnToken, QuestionTokens, TokenRequest,
};
pub(crate) use session::Session;
pub(crate) use thoughts::{TagTokens, ThoughtMarks};

use crate::model::CausalLm;
use contexts::Contexts;

/// A model that answers requests, and the contexts that it keeps for later ones.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) network: Box<dyn CausalLm>,
    /// How keys and values are stored.
    pub(crate) cache_format: KvFormat,
    contexts: RefCell<Contexts>,
}

impl Engine {
    /// An engine that keeps no contexts.
    pub(crate) fn new(network: Box<dyn CausalLm>, cache_format: KvFormat) -> Self {
        Self { network, cache_format, contexts: RefCell::default() }
    }

    /// Whether it keeps contexts for later requests.
    fn keeps_contexts(&self) -> bool {
        self.contexts.borrow().has_room()
    }

    /// Keeps up to `bytes` of keys and values of contexts, those used last.
    pub(crate) fn keep_contexts(&self, bytes: usize) {
        self.contexts.borrow_mut().limit(bytes);
    }
}
