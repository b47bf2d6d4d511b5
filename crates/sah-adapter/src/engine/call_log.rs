//! The attention calls of one answer.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::SystemTime;

use sah_attention::{
    AttentionInputs, AttentionObserver, AttentionOutput, CallMeasure, CallParts, CallSampling,
};
use tch::Tensor;

use super::whole_context::WholeContext;
use crate::{AttentionBackends, AttentionCall, AttentionHead, MicroMetrics};

/// Which calls are measured, and by what.
#[derive(Clone, Debug)]
pub(super) struct Measuring {
    pub(super) sampling: CallSampling,
    /// The context from which keys were dropped; `None` where all are there.
    pub(super) whole: Option<Rc<WholeContext>>,
}

/// Notes the kernels of all calls, and measures those that are drawn.
#[derive(Debug)]
pub(super) struct CallLog {
    /// 0 for the rows of the question, `n` for the `n`-th new token.
    pub(super) step: usize,
    /// Which calls are measured; `None` where none is, nor counted.
    measuring: Option<Measuring>,
    /// The heads so far of the call at work, where it is measured.
    parts: CallParts,
    metrics: MicroMetrics,
    question: BTreeSet<&'static str>,
    decode: BTreeSet<&'static str>,
}

impl CallLog {
    /// Before the question's rows. Draws of the sampling are those of `prompt`, whatever other prompts there are.
    pub(super) fn new(measuring: Option<&Measuring>, prompt: impl Iterator<Item = u32>) -> Self {
        let of_prompt = |Measuring { sampling, whole }: &Measuring| Measuring {
            sampling: sampling.within(prompt.map(u64::from)),
            whole: whole.clone(),
        };
        Self {
            step: 0,
            measuring: measuring.map(of_prompt),
            parts: CallParts::default(),
            metrics: MicroMetrics::default(),
            question: BTreeSet::new(),
            decode: BTreeSet::new(),
        }
    }

    /// Whether dense attention is measured, too: over what is left of a context, it differs from that over all of it.
    pub(super) fn measures_dense(&self) -> bool {
        self.measuring.as_ref().is_some_and(|measuring| measuring.whole.is_some())
    }

    /// Notes that a token was decoded densely.
    pub(super) fn note_dense(&mut self) {
        self.decode.insert("dense");
    }

    /// The kernels so far.
    pub(super) fn backends(&self) -> AttentionBackends {
        let owned = |names: &BTreeSet<&str>| names.iter().map(|&name| name.to_owned()).collect();
        AttentionBackends { question: owned(&self.question), decode: owned(&self.decode) }
    }

    /// What was measured; `None` where nothing was to be.
    pub(super) fn into_metrics(self) -> Option<MicroMetrics> {
        self.measuring.map(|_| self.metrics)
    }
}

impl AttentionObserver for CallLog {
    fn must_see(&self, layer: usize) -> bool {
        let chooses =
            |measuring: &Measuring| measuring.whole.is_some() && measuring.sampling.chooses(self.step, layer);
        self.measuring.as_ref().is_some_and(chooses)
    }

    fn attended_densely(&mut self, _: usize, _: &Tensor) -> sah_attention::Result<()> {
        let names = if self.step == 0 { &mut self.question } else { &mut self.decode };
        names.insert("dense");
        if self.measures_dense() {
            self.metrics.calls += 1;
        }
        Ok(())
    }

    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let names = if self.step == 0 { &mut self.question } else { &mut self.decode };
        names.insert(attended.backend);
        let Some(Measuring { sampling, whole }) = &self.measuring else { return Ok(()) };
        // Heads that keep other keys are parts of one call.
        let heads = inputs.layer_heads();
        let is_last = heads.first + inputs.dims().kv_heads == heads.all;
        self.metrics.calls += u64::from(is_last);
        if !sampling.chooses(self.step, layer) {
            return Ok(());
        }
        match whole {
            None => self.parts.add(inputs, attended, inputs)?,
            Some(whole) => whole.add(&mut self.parts, layer, inputs, attended)?,
        }
        if is_last {
            let CallMeasure { density, output_error, heads } = std::mem::take(&mut self.parts).measure();
            self.metrics.sampled.push(AttentionCall {
                time: SystemTime::now(),
                reads_context: false,
                step: self.step,
                layer,
                queries: inputs.dims().queries,
                keys: inputs.length(),
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

#[cfg(test)]
mod tests {
    use sah_attention::{Mask, MaskShape};
    use tch::{Device, Kind, Tensor};

    use super::*;

    /// Shows an observer of 50 steps of 4 layers an output that does not fit its inputs, so that measuring it fails.
    fn log_of(rate: Option<f64>) -> Result<(AttentionBackends, Option<MicroMetrics>), sah_attention::Error> {
        let sampling = rate.map(|rate| CallSampling::new(rate, 3)).transpose()?;
        let measuring = sampling.map(|sampling| Measuring { sampling, whole: None });
        let mut observer = CallLog::new(measuring.as_ref(), [5, 6, 7].into_iter());
        let random = |heads, rows| Tensor::rand([1, heads, rows, 4], (Kind::Float, Device::Cpu));
        let (queries, keys) = (random(2, 1), random(1, 9));
        let inputs = AttentionInputs::new(&queries, &keys, &keys, 0.5)?;
        let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 9 };
        for step in 0..50 {
            observer.step = step;
            for layer in 0..4 {
                let output = Tensor::zeros([3], (Kind::Float, Device::Cpu));
                let kernel = if step == 0 { "gather" } else { "fused" };
                let attended = AttentionOutput::new(&inputs, output, Mask::full(shape), kernel)?;
                observer.attended(layer, &inputs, &attended)?;
            }
        }
        Ok((observer.backends(), observer.into_metrics()))
    }

    #[test]
    fn a_call_that_is_not_drawn_is_counted_and_computes_nothing() {
        let (backends, metrics) = log_of(Some(0.0)).unwrap();
        assert_eq!(metrics, Some(MicroMetrics { calls: 200, sampled: Vec::new() }));
        assert!(backends.question.iter().eq(["gather"]) && backends.decode.iter().eq(["fused"]));
        assert!(log_of(Some(0.1)).is_err(), "a drawn call is measured");
    }

    #[test]
    fn where_nothing_is_to_be_measured_kernels_are_still_noted() {
        let (backends, metrics) = log_of(None).unwrap();
        assert_eq!(metrics, None);
        assert!(backends.question.iter().eq(["gather"]) && backends.decode.iter().eq(["fused"]));
    }
}
