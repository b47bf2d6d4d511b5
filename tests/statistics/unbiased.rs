//! Numerators and denominators of sampling maskers have no bias over seeds.

use sah_attention::{AnyMaskerConfig, AttentionConfig, RandomSamplingConfig, ResearchAttention};

use crate::estimates::{check_unbiased, sums};
use crate::heads::{Heads, preset};
use crate::rules::Entries;

/// The estimates by `attention` for seeds from 0: for each head the truth, and one estimate a seed.
pub(crate) fn estimates(
    heads: &Heads,
    attention: &ResearchAttention,
    seeds: u64,
) -> Vec<([f64; 2], Vec<[f64; 2]>)> {
    let terms = |head: usize| (heads.exponentials(head), heads.values(head));
    let terms: Vec<_> = (0..heads.count()).map(terms).collect();
    let truth = |(exponentials, values): &(Vec<f64>, Vec<f64>)| {
        sums(exponentials, &vec![1.0; exponentials.len()], values)
    };
    let mut of_heads: Vec<_> = terms.iter().map(|terms| (truth(terms), Vec::new())).collect();
    for seed in 0..seeds {
        let weights = Entries::weights(&heads.select(attention, seed));
        for (head, (_, estimates)) in of_heads.iter_mut().enumerate() {
            let (exponentials, values) = &terms[head];
            estimates.push(sums(exponentials, weights.row(head), values));
        }
    }
    of_heads
}

/// Behind sink, window and the best 2 % of keys, as in the preset `vattention`.
fn sampled(sampler: AnyMaskerConfig) -> ResearchAttention {
    let mut config = AttentionConfig::preset("vattention").unwrap();
    config.maskers.pop();
    config.maskers.push(sampler);
    ResearchAttention::from_config(&config).unwrap()
}

fn check(attention: &ResearchAttention, seeds: u64, largest_error: f64) {
    let name = attention.maskers().last().unwrap().name();
    for heads in Heads::of_the_default_model() {
        for (head, (truth, estimates)) in estimates(&heads, attention, seeds).iter().enumerate() {
            let name = format!("{name}, layer {}, head {head}", heads.layer);
            let error = check_unbiased(&name, *truth, estimates);
            assert!(error < largest_error, "{name}: standard error {error}");
        }
    }
}

#[test]
fn random_sampling_has_no_bias() {
    check(&sampled(RandomSamplingConfig { sampling_rate: 0.1 }.into()), 500, 0.01);
}

#[test]
fn adaptive_sampling_has_no_bias() {
    check(&preset("vattention", &[]), 500, 0.01);
}

/// Over requests, which draw their own tables. For one request's tables the estimate of a row is one number, and off.
#[test]
fn magic_pig_has_no_bias_over_tables() {
    check(&preset("magicpig", &["lsh_l=12", "lsh_k=4"]), 200, 0.02);
}
