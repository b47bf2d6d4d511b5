//! Tokens and sequences that were there before.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;

use super::{LogitsProcessor, set};
use crate::RepetitionPenalty;

/// `RepetitionPenaltyLogitsProcessor` and `EncoderRepetitionPenaltyLogitsProcessor`: `logit / penalty` where it is positive,
/// `logit * penalty` where it is negative, for tokens that were seen.
pub(super) struct SeenTokens {
    penalty: f32,
    seen: BTreeSet<u32>,
    /// Tokens of the sequence that are in `seen`; `None` where only those of the prompt count.
    read: Option<usize>,
}

impl SeenTokens {
    /// Tokens of prompt and answer become less likely.
    pub(super) fn of_sequence(penalty: RepetitionPenalty) -> Self {
        Self { penalty: f64::from(penalty) as f32, seen: BTreeSet::new(), read: Some(0) }
    }

    /// Tokens of the prompt become likelier.
    pub(super) fn of_prompt(penalty: RepetitionPenalty, prompt: &[u32]) -> Self {
        let penalty = (1.0 / f64::from(penalty)) as f32;
        Self { penalty, seen: prompt.iter().copied().collect(), read: None }
    }
}

impl LogitsProcessor for SeenTokens {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        if let Some(read) = &mut self.read {
            self.seen.extend(&sequence[*read..]);
            *read = sequence.len();
        }
        for &token in &self.seen {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit < 0.0 { *logit * self.penalty } else { *logit / self.penalty };
            }
        }
    }
}

/// `NoRepeatNGramLogitsProcessor` and `EncoderNoRepeatNGramLogitsProcessor`: no sequence of `size` tokens that was there before.
pub(super) struct NoRepeatedNgrams {
    size: usize,
    /// The tokens that followed each sequence of `size - 1`.
    followers: HashMap<Vec<u32>, Vec<u32>>,
    /// Sequences of `size` tokens that are in `followers`; `None` where only those of the prompt count.
    read: Option<usize>,
}

impl NoRepeatedNgrams {
    /// Sequences of prompt and answer.
    pub(super) fn of_sequence(size: NonZeroUsize) -> Self {
        Self { size: size.get(), followers: HashMap::new(), read: Some(0) }
    }

    /// Sequences of the prompt.
    pub(super) fn of_prompt(size: NonZeroUsize, prompt: &[u32]) -> Self {
        let mut ngrams = Self { size: size.get(), followers: HashMap::new(), read: None };
        ngrams.add(prompt, 0);
        ngrams
    }

    /// Adds the sequences of `sequence` from the one with number `from` on, and gives the number of all.
    fn add(&mut self, sequence: &[u32], from: usize) -> usize {
        let ngrams = sequence.windows(self.size);
        let count = ngrams.len();
        for ngram in ngrams.skip(from) {
            if let [before @ .., last] = ngram {
                self.followers.entry(before.to_vec()).or_default().push(*last);
            }
        }
        count
    }
}

impl LogitsProcessor for NoRepeatedNgrams {
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]) {
        if let Some(read) = self.read {
            self.read = Some(self.add(sequence, read));
        }
        let Some(start) = (sequence.len() + 1).checked_sub(self.size) else { return };
        let banned = self.followers.get(&sequence[start..]).into_iter().flatten();
        set(logits, banned.copied(), f32::NEG_INFINITY);
    }
}
