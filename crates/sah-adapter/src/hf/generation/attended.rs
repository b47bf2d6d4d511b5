//! Looking on at the attention of one answer.

use std::collections::BTreeSet;
use std::time::SystemTime;

use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput, CallMeasure, CallSampling};

use crate::{AttentionBackends, AttentionCall, AttentionHead, MicroMetrics};

/// Notes the kernels that compute, and measures the calls that are drawn.
#[derive(Debug)]
pub(super) struct Attended {
    /// 0 for the rows of the question, `n` for the `n`-th new token.
    pub(super) step: usize,
    /// Which calls are measured; `None` where none is, nor counted.
    sampling: Option<CallSampling>,
    metrics: MicroMetrics,
    question: BTreeSet<&'static str>,
    decode: BTreeSet<&'static str>,
}

impl Attended {
    /// Before the question's rows. Draws of the sampling are those of `prompt`, whatever other prompts there are.
    pub(super) fn new(sampling: Option<CallSampling>, prompt: impl Iterator<Item = u32>) -> Self {
        Self {
            step: 0,
            sampling: sampling.map(|sampling| sampling.within(prompt.map(u64::from))),
            metrics: MicroMetrics::default(),
            question: BTreeSet::new(),
            decode: BTreeSet::new(),
        }
    }

    /// The kernels so far.
    pub(super) fn backends(&self) -> AttentionBackends {
        let owned = |names: &BTreeSet<&str>| names.iter().map(|&name| name.to_owned()).collect();
        AttentionBackends { question: owned(&self.question), decode: owned(&self.decode) }
    }

    /// What was measured; `None` where nothing was to be.
    pub(super) fn into_metrics(self) -> Option<MicroMetrics> {
        self.sampling.map(|_| self.metrics)
    }
}

impl AttentionObserver for Attended {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let names = if self.step == 0 { &mut self.question } else { &mut self.decode };
        names.insert(attended.backend);
        let Some(sampling) = self.sampling else { return Ok(()) };
        self.metrics.calls += 1;
        if sampling.chooses(self.step, layer) {
            let CallMeasure { density, output_error, heads } = CallMeasure::of(inputs, attended)?;
            self.metrics.sampled.push(AttentionCall {
                time: SystemTime::now(),
                step: self.step,
                layer,
                queries: inputs.dims().queries,
                keys: inputs.dims().keys,
                backend: attended.backend.to_owned(),
                density,
                output_error,
                heads: heads
                    .iter()
                    .map(|head| AttentionHead { density: head.density, output_error: head.output_error })
                    .collect(),
            });
        }
        Ok(())
    }
}
