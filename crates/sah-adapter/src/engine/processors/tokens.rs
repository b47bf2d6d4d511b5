//! Tokens that are never chosen, and logits that are no numbers.

use std::collections::BTreeSet;

use super::{LogitsProcessor, set};

/// `SuppressTokensLogitsProcessor`.
pub(super) struct Suppressed {
    pub(super) tokens: BTreeSet<u32>,
}

impl LogitsProcessor for Suppressed {
    fn process(&mut self, _: &[u32], logits: &mut [f32]) {
        set(logits, self.tokens.iter().copied(), f32::NEG_INFINITY);
    }
}

/// `SuppressTokensAtBeginLogitsProcessor`.
pub(super) struct BeginSuppressed {
    pub(super) tokens: BTreeSet<u32>,
    /// Tokens before the one that is concerned.
    pub(super) begin: usize,
}

impl LogitsProcessor for BeginSuppressed {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        if sequence.len() == self.begin {
            set(logits, self.tokens.iter().copied(), f32::NEG_INFINITY);
        }
    }
}

/// `InfNanRemoveLogitsProcessor`: 0 for what is no number, the largest and smallest numbers for infinities.
pub(super) struct FiniteLogits;

impl LogitsProcessor for FiniteLogits {
    fn process(&mut self, _: &[u32], logits: &mut [f32]) {
        for logit in logits {
            *logit = if logit.is_nan() { 0.0 } else { logit.clamp(f32::MIN, f32::MAX) };
        }
    }
}
