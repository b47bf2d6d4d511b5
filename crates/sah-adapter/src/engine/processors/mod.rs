//! What is done to logits before a token is chosen: transformers' logits processors, in the order of its `generate`.
//!
//! transformers 4 and 5 do the same but for two cases, where this is what 5 does: `sequence_bias` of a sequence one token longer
//! than the prompt, and `exponential_decay_length_penalty` of an end of answer that is forbidden.

mod lengths;
mod repetition;
mod sequences;
mod tokens;

use self::lengths::{DecayTowardsEnd, ForcedBos, ForcedEos, MinLength};
use self::repetition::{NoRepeatedNgrams, SeenTokens};
use self::sequences::SequenceBias;
use self::tokens::{BeginSuppressed, FiniteLogits, Suppressed};
use super::logit_rules::{BiasedSequence, LogitRules};

/// One of transformers' logits processors.
trait LogitsProcessor {
    /// Changes the logits of the token that is to follow `sequence`, prompt and answer so far.
    fn process(&mut self, sequence: &[u32], logits: &mut [f32]);
}

/// An answer that is to be generated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerLimits<'a> {
    /// Tokens that end it.
    pub(crate) eos: &'a [u32],
    /// New tokens at most.
    pub(crate) max_new_tokens: usize,
}

/// The processors of one answer, and the tokens that they go by.
pub(crate) struct Processors {
    list: Vec<Box<dyn LogitsProcessor>>,
    /// Prompt and answer so far; empty where there is no processor.
    sequence: Vec<u32>,
    /// Whether logits that are no numbers are replaced.
    replace_nan: bool,
}

impl Processors {
    /// What `rules` ask for.
    pub(crate) fn new(
        rules: &LogitRules,
        limits: AnswerLimits<'_>,
        prompt: impl Iterator<Item = u32>,
    ) -> Self {
        let replace_nan = rules.remove_invalid_values;
        if *rules == LogitRules::default() {
            return Self { list: Vec::new(), sequence: Vec::new(), replace_nan };
        }
        let sequence: Vec<u32> = prompt.collect();
        Self { list: list(rules, limits, &sequence), sequence, replace_nan }
    }

    /// Whether they leave logits as they are.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether logits that are no numbers are replaced, and no error.
    pub(super) fn replace_nan(&self) -> bool {
        self.replace_nan
    }

    /// Changes the logits of the next token.
    pub(crate) fn process(&mut self, logits: &mut [f32]) {
        for processor in &mut self.list {
            processor.process(&self.sequence, logits);
        }
    }

    /// Takes the token that was chosen.
    pub(crate) fn push(&mut self, token: u32) {
        if !self.list.is_empty() {
            self.sequence.push(token);
        }
    }
}

/// The processors that `rules` ask for after `prompt`.
fn list(rules: &LogitRules, limits: AnswerLimits<'_>, prompt: &[u32]) -> Vec<Box<dyn LogitsProcessor>> {
    let AnswerLimits { eos, max_new_tokens } = limits;
    let mut list: Vec<Box<dyn LogitsProcessor>> = Vec::new();
    if !rules.sequence_bias.is_empty() {
        list.push(Box::new(SequenceBias::new(rules.sequence_bias.clone())));
    }
    if let Some(penalty) = rules.encoder_repetition_penalty {
        list.push(Box::new(SeenTokens::of_prompt(penalty, prompt)));
    }
    if let Some(penalty) = rules.repetition_penalty {
        list.push(Box::new(SeenTokens::of_sequence(penalty)));
    }
    if let Some(size) = rules.no_repeat_ngram_size {
        list.push(Box::new(NoRepeatedNgrams::of_sequence(size)));
    }
    if let Some(size) = rules.encoder_no_repeat_ngram_size {
        list.push(Box::new(NoRepeatedNgrams::of_prompt(size, prompt)));
    }
    let bad_words = bad_words(&rules.bad_words_ids, eos);
    if !bad_words.is_empty() {
        list.push(Box::new(SequenceBias::new(bad_words)));
    }
    let min_length = rules.min_new_tokens.map_or(rules.min_length, |new| prompt.len() + new);
    if min_length > 0 && !eos.is_empty() {
        list.push(Box::new(MinLength { eos: eos.to_vec(), min_length }));
    }
    if let Some(bos) = rules.forced_bos_token_id {
        list.push(Box::new(ForcedBos { bos }));
    }
    if !rules.forced_eos_token_id.is_empty() {
        let eos = rules.forced_eos_token_id.clone();
        list.push(Box::new(ForcedEos { eos, max_length: prompt.len() + max_new_tokens }));
    }
    if rules.remove_invalid_values {
        list.push(Box::new(FiniteLogits));
    }
    if let Some(penalty) = rules.exponential_decay_length_penalty {
        let start = prompt.len() + penalty.start;
        let eos = eos.iter().copied().collect();
        list.push(Box::new(DecayTowardsEnd { eos, start, factor: penalty.factor }));
    }
    if !rules.suppress_tokens.is_empty() {
        list.push(Box::new(Suppressed { tokens: rules.suppress_tokens.clone() }));
    }
    if !rules.begin_suppress_tokens.is_empty() {
        let forced = usize::from(prompt.len() <= 1 && rules.forced_bos_token_id.is_some());
        let (tokens, begin) = (rules.begin_suppress_tokens.clone(), prompt.len() + forced);
        list.push(Box::new(BeginSuppressed { tokens, begin }));
    }
    list
}

/// Sequences that must not be written. One that is an end of answer alone does not count.
fn bad_words(words: &[Vec<u32>], eos: &[u32]) -> Vec<BiasedSequence> {
    let is_eos = |word: &&Vec<u32>| matches!(word.as_slice(), [token] if eos.contains(token));
    let forbidden = |word: &Vec<u32>| BiasedSequence { tokens: word.clone(), bias: f32::NEG_INFINITY };
    words.iter().filter(|word| !is_eos(word)).map(forbidden).collect()
}

/// Sets the logits of `tokens` to `value`; those of tokens that the model does not have do not exist.
fn set(logits: &mut [f32], tokens: impl IntoIterator<Item = u32>, value: f32) {
    for token in tokens {
        if let Some(logit) = logits.get_mut(token as usize) {
            *logit = value;
        }
    }
}

#[cfg(test)]
mod tests;
