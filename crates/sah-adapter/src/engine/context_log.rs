//! The attention calls of a context that is read sparsely.

use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput, CallSampling};

use super::call_log::{CallLog, Measuring};
use crate::AttentionCall;

/// Measures the calls that are drawn, chunk after chunk.
#[derive(Debug)]
pub(super) struct ContextLog {
    calls: CallLog,
    /// The layer of the last call: a chunk goes through them in order.
    layer: Option<usize>,
}

impl ContextLog {
    /// Before the first of the tokens `ids`, which decide with `sampling` what is drawn.
    pub(super) fn new(sampling: CallSampling, ids: &[u32]) -> Self {
        let measuring = Measuring { sampling, whole: None };
        Self { calls: CallLog::new(Some(&measuring), ids.iter().copied()), layer: None }
    }

    /// What was measured.
    pub(super) fn into_calls(self) -> Vec<AttentionCall> {
        let sampled = self.calls.into_metrics().map(|metrics| metrics.sampled).unwrap_or_default();
        sampled.into_iter().map(|call| AttentionCall { reads_context: true, ..call }).collect()
    }
}

impl AttentionObserver for ContextLog {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        if self.layer.is_some_and(|last| layer <= last) {
            self.calls.step += 1;
        }
        self.layer = Some(layer);
        self.calls.attended(layer, inputs, attended)
    }
}
