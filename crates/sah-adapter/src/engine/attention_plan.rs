//! How the parts of a request attend.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use sah_attention::{
    AttentionPolicy, CallSampling, KeptKeys, Kernel, KvFormat, RequestState, ResearchAttention, Retention,
};

use super::QuestionTokens;
use crate::Error;

/// How contexts, questions and answers attend.
#[derive(Debug)]
pub(crate) struct AttentionPlan {
    /// Of questions and new tokens; `None` is dense attention.
    pub(crate) decode: Option<ResearchAttention>,
    /// Whether questions are dense all the same.
    pub(crate) dense_questions: bool,
    /// Of contexts; `None` is dense attention.
    pub(crate) prefill: Option<ResearchAttention>,
    /// What computes dense attention.
    pub(crate) kernel: Arc<dyn Kernel>,
    /// What a cache keeps at least where it evicts other keys; `None` where every key stays.
    pub(crate) kept: Option<KeptKeys>,
    /// Which keys of a context stay once it is read; `None` where all do.
    pub(crate) retention: Option<RetentionPlan>,
    /// For maskers that sample, and for retentions by chance.
    pub(crate) seed: u64,
    /// The calls of sparse attention that are measured.
    pub(crate) sampling: Option<CallSampling>,
}

/// Which keys of a context stay.
#[derive(Debug)]
pub(crate) struct RetentionPlan {
    pub(crate) retention: Retention,
    pub(crate) sees: RetentionSees,
}

impl RetentionPlan {
    /// Whether each question has a cache of its own: it is seen before keys go, or keys go while its answer grows.
    pub(super) fn has_caches_of_questions(&self) -> bool {
        self.sees == RetentionSees::Question || self.retention.every().is_some()
    }

    /// The tokens of a question that are seen before keys go.
    pub(super) fn seen_of<'a>(&self, question: &'a QuestionTokens) -> &'a [u32] {
        match self.sees {
            RetentionSees::Context => &[],
            RetentionSees::Question => &question.ids[..question.seen],
        }
    }
}

/// What is read before a retention chooses among keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionSees {
    /// The context: what stays of it serves all questions.
    #[default]
    Context,
    /// The context and a question, whose keys may go, too: each question has a cache of its own.
    Question,
}

impl AttentionPlan {
    /// Fails where it drops keys, or packs them in groups, for networks that drop keys themselves.
    pub(super) fn check_keeps_keys(&self, format: KvFormat) -> Result<(), Error> {
        let with = if self.retention.is_some() {
            "a retention"
        } else if self.kept.is_some() {
            "eviction"
        } else if self.prefill.is_some() {
            "contexts that are read sparsely"
        } else if format.packs() {
            "a cache that packs keys in groups"
        } else if self.sampling.is_some() {
            "errors against attention over all keys"
        } else {
            return Ok(());
        };
        Err(Error::DropsKeysItself { with })
    }

    /// What a cache keeps at least while a context is read, where it evicts other keys already: what is read of it, and what is read later.
    pub(super) fn kept_while_reading(&self) -> Option<KeptKeys> {
        let read = self.prefill.as_ref()?.kept_keys().ok()?;
        Some(self.kept?.union(read))
    }

    /// For a context.
    pub(super) fn prefill_policy<'a>(&'a self, state: &'a mut RequestState) -> AttentionPolicy<'a> {
        self.policy(self.prefill.as_ref(), state)
    }

    /// Of every key.
    pub(super) fn dense_policy(&self) -> AttentionPolicy<'_> {
        AttentionPolicy::Dense { kernel: &*self.kernel }
    }

    /// For questions.
    pub(super) fn question_policy<'a>(&'a self, state: &'a mut RequestState) -> AttentionPolicy<'a> {
        self.policy(self.decode.as_ref().filter(|_| !self.dense_questions), state)
    }

    /// For new tokens.
    pub(super) fn decode_policy<'a>(&'a self, state: &'a mut RequestState) -> AttentionPolicy<'a> {
        self.policy(self.decode.as_ref(), state)
    }

    fn policy<'a>(
        &'a self,
        attention: Option<&'a ResearchAttention>,
        state: &'a mut RequestState,
    ) -> AttentionPolicy<'a> {
        match attention {
            None => self.dense_policy(),
            Some(attention) => AttentionPolicy::Sparse { attention, state },
        }
    }
}
