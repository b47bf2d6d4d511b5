//! What no golden has: state from step to step, and tokens that a model does not have.

use super::{AnswerLimits, Processors};
use crate::RepetitionPenalty;
use crate::engine::logit_rules::{BiasedSequence, LogitRules};

fn processors(rules: &LogitRules, prompt: &[u32]) -> Processors {
    let limits = AnswerLimits { eos: &[0], max_new_tokens: 8 };
    Processors::new(rules, limits, prompt.iter().copied())
}

fn logits(processors: &mut Processors) -> Vec<f32> {
    let mut logits = vec![1.0; 5];
    processors.process(&mut logits);
    logits
}

#[test]
fn without_rules_there_is_nothing_to_do() {
    let mut none = processors(&LogitRules::default(), &[1, 2]);
    assert!(none.is_empty());
    none.push(3);
    assert_eq!(logits(&mut none), [1.0; 5]);
}

#[test]
fn tokens_of_the_answer_count_as_they_come() {
    let rules = LogitRules {
        repetition_penalty: Some(RepetitionPenalty::try_from(2.0).unwrap()),
        no_repeat_ngram_size: 2.try_into().ok(),
        ..LogitRules::default()
    };
    let mut both = processors(&rules, &[1, 2]);
    assert_eq!(logits(&mut both), [1.0, 0.5, 0.5, 1.0, 1.0]);
    both.push(1);
    let banned = f32::NEG_INFINITY;
    assert_eq!(logits(&mut both), [1.0, 0.5, banned, 1.0, 1.0], "1 2 was there");
    both.push(4);
    both.push(2);
    assert_eq!(logits(&mut both), [1.0, banned, 0.5, 1.0, 0.5], "2 1 was there");
}

#[test]
fn the_last_of_equal_sequences_counts_and_unknown_tokens_do_nothing() {
    let biased = |tokens: &[u32], bias| BiasedSequence { tokens: tokens.to_vec(), bias };
    let sequence_bias = vec![biased(&[3], 5.0), biased(&[3], 2.0), biased(&[9], 1.0), biased(&[2, 3], 0.5)];
    let rules = LogitRules { sequence_bias, suppress_tokens: [4, 77].into(), ..LogitRules::default() };
    assert_eq!(logits(&mut processors(&rules, &[1])), [1.0, 1.0, 1.0, 3.0, f32::NEG_INFINITY]);
    assert_eq!(logits(&mut processors(&rules, &[1, 2]))[2..4].to_vec(), [1.0, 3.5]);
}
