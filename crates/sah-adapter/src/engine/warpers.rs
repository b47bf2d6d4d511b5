//! Drawing a token at random: which tokens can be drawn, as transformers' logits warpers leave them, and the draw.

use std::num::NonZeroUsize;

use crate::{RandomSampling, Share, Temperature};

/// Temperature, then top-k, top-p and min-p: a token that cannot be drawn gets minus infinity.
pub(super) fn restrict(logits: &mut [f32], sampling: &RandomSampling) {
    scale(logits, sampling.temperature);
    if let Some(k) = sampling.top_k {
        keep_top_k(logits, k);
    }
    if let Some(p) = sampling.top_p {
        keep_top_p(logits, p);
    }
    if let Some(p) = sampling.min_p {
        keep_min_p(logits, p);
    }
}

fn scale(logits: &mut [f32], temperature: Temperature) {
    let temperature = f64::from(temperature) as f32;
    for logit in logits {
        *logit /= temperature;
    }
}

/// Tokens as likely as the k-th stay as well.
fn keep_top_k(logits: &mut [f32], k: NonZeroUsize) {
    if k.get() >= logits.len() {
        return;
    }
    let mut sorted = logits.to_vec();
    let (_, &mut kth, _) = sorted.select_nth_unstable_by(k.get() - 1, |a, b| b.total_cmp(a));
    drop_where(logits, |logit| logit < kth);
}

/// Drops the least likely tokens as long as their probabilities together stay within `1 - p`.
fn keep_top_p(logits: &mut [f32], p: Share) {
    let mut order: Vec<usize> = (0..logits.len()).filter(|&i| logits[i] > f32::NEG_INFINITY).collect();
    order.sort_unstable_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    let max = maximum(logits);
    let likelihood = |logit: f32| f64::from(logit - max).exp();
    let total: f64 = order.iter().map(|&token| likelihood(logits[token])).sum();
    let mut dropped = 0.0;
    // The last one is the most likely, and stays whatever p is.
    for &token in order.iter().take(order.len().saturating_sub(1)) {
        dropped += likelihood(logits[token]) / total;
        if dropped > 1.0 - f64::from(p) {
            break;
        }
        logits[token] = f32::NEG_INFINITY;
    }
}

fn keep_min_p(logits: &mut [f32], p: Share) {
    let (max, p) = (maximum(logits), f64::from(p));
    drop_where(logits, |logit| f64::from(logit - max).exp() < p);
}

fn drop_where(logits: &mut [f32], drop: impl Fn(f32) -> bool) {
    for logit in logits {
        if drop(*logit) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

fn maximum(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// The first of the largest logits.
pub(super) fn most_likely(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best as u32
}

/// The token at which the cumulated probabilities pass `uniform`, a number in [0, 1).
pub(super) fn draw(logits: &[f32], uniform: f64) -> u32 {
    let max = maximum(logits);
    let likelihood = |logit: &f32| f64::from(logit - max).exp();
    let mut left = uniform * logits.iter().map(likelihood).sum::<f64>();
    for (token, logit) in logits.iter().enumerate() {
        left -= likelihood(logit);
        if left < 0.0 {
            return token as u32;
        }
    }
    // Rounding ate the end of the last token's share.
    most_likely(logits)
}

#[cfg(test)]
mod tests;
