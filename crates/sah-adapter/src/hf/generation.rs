//! Greedy decoding.

use std::time::Instant;

use sah_attention::AttentionPolicy;
use tch::Tensor;

use crate::cache::KvCache;
use crate::model::CausalLm;
use crate::{AnswerStats, Error};

/// What was generated for one question.
#[derive(Debug)]
pub(super) struct Generated {
    /// The new tokens, with the one that ended the turn if one did.
    pub(super) ids: Vec<u32>,
    /// The logits from which the first new token was chosen, `[vocabulary]`; `None` where none was asked for.
    pub(super) first_logits: Option<Tensor>,
    pub(super) stats: AnswerStats,
}

/// Runs the question's tokens behind what is in `cache`, then decodes until the end of the turn or `max_new_tokens`.
///
/// Every new token, the first included, is compared with `eos`.
pub(super) fn generate(
    model: &dyn CausalLm,
    question: &[u32],
    cache: &mut KvCache,
    attention: &mut AttentionPolicy<'_>,
    eos: &[u32],
    max_new_tokens: usize,
) -> Result<Generated, Error> {
    let mut stats = AnswerStats { question_tokens: question.len(), ..AnswerStats::default() };
    let mut density = MeanDensity::default();
    let mut ids = Vec::new();
    if max_new_tokens == 0 {
        return Ok(Generated { ids, first_logits: None, stats });
    }
    let started = Instant::now();
    let mut step = model.forward(question, cache, attention)?;
    density.add(question.len(), step.density);
    let mut token = argmax(&step.logits)?;
    ids.push(token);
    let first_logits = Some(step.logits);
    stats.question_seconds = started.elapsed().as_secs_f64();
    let started = Instant::now();
    while ids.len() < max_new_tokens && !eos.contains(&token) {
        step = model.forward(&[token], cache, attention)?;
        density.add(1, step.density);
        token = argmax(&step.logits)?;
        ids.push(token);
    }
    stats.decode_seconds = started.elapsed().as_secs_f64();
    stats.generated_tokens = ids.len();
    stats.density = density.mean();
    Ok(Generated { ids, first_logits, stats })
}

impl Generated {
    /// The tokens of the answer: all but the one that ended the turn.
    pub(super) fn answer<'a>(&'a self, eos: &[u32]) -> &'a [u32] {
        match self.ids.split_last() {
            Some((last, answer)) if eos.contains(last) => answer,
            _ => &self.ids,
        }
    }
}

/// The most likely token; the first of several. Logits that are no numbers are an error, never token 0.
fn argmax(logits: &Tensor) -> Result<u32, Error> {
    let (value, index) = logits.f_max_dim(0, false)?;
    if value.f_double_value(&[])?.is_nan() {
        return Err(Error::NotANumber);
    }
    Ok(index.f_int64_value(&[])? as u32)
}

/// Mean density over query rows.
#[derive(Debug, Default)]
struct MeanDensity {
    sum: f64,
    rows: usize,
}

impl MeanDensity {
    fn add(&mut self, rows: usize, density: f64) {
        self.sum += density * rows as f64;
        self.rows += rows;
    }

    fn mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum / self.rows as f64)
    }
}
