//! Where a sequence begins and ends.

use std::collections::BTreeSet;

use super::{LogitsProcessor, set};

/// `MinLengthLogitsProcessor` and `MinNewTokensLengthLogitsProcessor`: no end of answer in a sequence that is shorter.
pub(super) struct MinLength {
    pub(super) eos: Vec<u32>,
    /// Tokens of prompt and answer.
    pub(super) min_length: usize,
}

impl LogitsProcessor for MinLength {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        if sequence.len() < self.min_length {
            set(logits, self.eos.iter().copied(), f32::NEG_INFINITY);
        }
    }
}

/// `ForcedBOSTokenLogitsProcessor`: the second token of a sequence, so the first of an answer to a prompt of one token.
pub(super) struct ForcedBos {
    pub(super) bos: u32,
}

impl LogitsProcessor for ForcedBos {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        if sequence.len() == 1 {
            logits.fill(f32::NEG_INFINITY);
            set(logits, [self.bos], 0.0);
        }
    }
}

/// `ForcedEOSTokenLogitsProcessor`: the last token that the limit allows.
pub(super) struct ForcedEos {
    pub(super) eos: Vec<u32>,
    /// Tokens of prompt and answer at most.
    pub(super) max_length: usize,
}

impl LogitsProcessor for ForcedEos {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        if sequence.len() + 1 == self.max_length {
            logits.fill(f32::NEG_INFINITY);
            set(logits, self.eos.iter().copied(), 0.0);
        }
    }
}

/// `ExponentialDecayLengthPenalty`: ends of answer become likelier with every token behind `start`.
pub(super) struct DecayTowardsEnd {
    pub(super) eos: BTreeSet<u32>,
    /// Tokens of prompt and answer before it begins.
    pub(super) start: usize,
    pub(super) factor: f64,
}

impl LogitsProcessor for DecayTowardsEnd {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        let Some(steps @ 1..) = sequence.len().checked_sub(self.start) else { return };
        let penalty = (self.factor.powf(steps as f64) - 1.0) as f32;
        for &token in &self.eos {
            if let Some(logit) = logits.get_mut(token as usize).filter(|logit| logit.is_finite()) {
                *logit += logit.abs() * penalty;
            }
        }
    }
}
