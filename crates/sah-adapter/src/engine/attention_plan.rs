//! How the parts of a request attend.

use std::sync::Arc;

use sah_attention::{
    AttentionPolicy, CallSampling, KeptKeys, Kernel, RequestState, ResearchAttention, Retention,
};

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
    pub(crate) retention: Option<Retention>,
    /// For maskers that sample, and for retentions by chance.
    pub(crate) seed: u64,
    /// The calls of sparse attention that are measured.
    pub(crate) sampling: Option<CallSampling>,
}

impl AttentionPlan {
    /// For a context.
    pub(super) fn prefill_policy<'a>(&'a self, state: &'a mut RequestState) -> AttentionPolicy<'a> {
        self.policy(self.prefill.as_ref(), state)
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
            None => AttentionPolicy::Dense { kernel: &*self.kernel },
            Some(attention) => AttentionPolicy::Sparse { attention, state },
        }
    }
}
