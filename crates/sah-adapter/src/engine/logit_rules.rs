//! What is done to logits before a token is chosen, as a value.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use crate::RepetitionPenalty;

/// What is done to logits before a token is chosen: the fields of transformers' `GenerationConfig` of the same names. By
/// default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LogitRules {
    pub(crate) sequence_bias: Vec<BiasedSequence>,
    pub(crate) encoder_repetition_penalty: Option<RepetitionPenalty>,
    pub(crate) repetition_penalty: Option<RepetitionPenalty>,
    pub(crate) no_repeat_ngram_size: Option<NonZeroUsize>,
    pub(crate) encoder_no_repeat_ngram_size: Option<NonZeroUsize>,
    pub(crate) bad_words_ids: Vec<Vec<u32>>,
    /// Of prompt and answer together.
    pub(crate) min_length: usize,
    /// Replaces `min_length`.
    pub(crate) min_new_tokens: Option<usize>,
    pub(crate) forced_bos_token_id: Option<u32>,
    pub(crate) forced_eos_token_id: Vec<u32>,
    pub(crate) remove_invalid_values: bool,
    pub(crate) exponential_decay_length_penalty: Option<DecayPenalty>,
    pub(crate) suppress_tokens: BTreeSet<u32>,
    pub(crate) begin_suppress_tokens: BTreeSet<u32>,
}

/// A sequence of tokens, one at least, whose last token becomes likelier or less likely where the others stand before it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BiasedSequence {
    pub(crate) tokens: Vec<u32>,
    /// Added to the logit of the last token.
    pub(crate) bias: f32,
}

/// Makes the end of an answer likelier with every token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DecayPenalty {
    /// New tokens before it begins.
    pub(crate) start: usize,
    /// What the penalty is multiplied by with each token.
    pub(crate) factor: f64,
}
