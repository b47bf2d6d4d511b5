//! Sequences that are likelier or less likely than the model says, or forbidden.

use std::collections::{HashMap, HashSet};

use super::LogitsProcessor;
use crate::engine::logit_rules::BiasedSequence;

/// `SequenceBiasLogitsProcessor`, and `NoBadWordsLogitsProcessor` where the bias is minus infinity.
pub(super) struct SequenceBias {
    sequences: Vec<BiasedSequence>,
    /// What is added to each logit.
    bias: Vec<f32>,
}

impl SequenceBias {
    /// Of equal sequences the last one counts.
    pub(super) fn new(sequences: Vec<BiasedSequence>) -> Self {
        let last: HashMap<Vec<u32>, f32> =
            sequences.iter().map(|sequence| (sequence.tokens.clone(), sequence.bias)).collect();
        let mut seen = HashSet::new();
        let mut distinct = sequences;
        distinct.retain(|sequence| seen.insert(sequence.tokens.clone()));
        for sequence in &mut distinct {
            sequence.bias = last[&sequence.tokens];
        }
        Self { sequences: distinct, bias: Vec::new() }
    }
}

impl LogitsProcessor for SequenceBias {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        self.bias.clear();
        self.bias.resize(logits.len(), 0.0);
        for BiasedSequence { tokens, bias } in &self.sequences {
            if let [before @ .., last] = tokens.as_slice()
                && sequence.ends_with(before)
                && let Some(sum) = self.bias.get_mut(*last as usize)
            {
                *sum += bias;
            }
        }
        for (logit, bias) in logits.iter_mut().zip(&self.bias) {
            *logit += bias;
        }
    }
}
