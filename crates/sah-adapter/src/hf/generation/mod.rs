//! Decoding: from a question's tokens to its answer.

mod attended;
mod processors;
mod sampler;
mod text;

use std::time::Instant;

use sah_attention::{AttentionPolicy, CallSampling};
use tch::Tensor;

use super::Tokenizer;
use super::prompt::QuestionTokens;
use crate::cache::KvCache;
use crate::model::CausalLm;
use crate::{AnswerStats, Error, GenerationParams, MicroMetrics, NewToken};
use attended::Attended;
use sampler::Sampler;
use text::TextStream;

/// What answers of one model have in common.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    pub(super) model: &'a dyn CausalLm,
    pub(super) tokenizer: &'a Tokenizer,
    /// Any of these ends an answer, the first token included.
    pub(super) eos: &'a [u32],
    pub(super) params: &'a GenerationParams,
    /// Which attention calls are measured.
    pub(super) sampling: Option<CallSampling>,
}

/// What was generated for one question.
#[derive(Debug)]
pub(super) struct Generated {
    /// The new tokens, with the one that ended the answer if one did.
    pub(super) ids: Vec<u32>,
    /// The text of all but an end of turn, cut before the first stop string.
    pub(super) text: String,
    /// The logits from which the first new token was chosen, `[vocabulary]`; `None` where none was asked for.
    pub(super) first_logits: Option<Tensor>,
    pub(super) stats: AnswerStats,
    /// Measured attention calls; `None` where none was to be.
    pub(super) micro_metrics: Option<MicroMetrics>,
}

impl Decoder<'_> {
    /// Runs the question's tokens behind what is in `cache`, which is `context`, then decodes until the end of the turn, a
    /// stop string or the limit. `number` is the question's place in its request.
    pub(super) fn answer(
        &self,
        (number, question): (usize, &QuestionTokens),
        context: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
        on_token: &mut dyn FnMut(NewToken<'_>),
    ) -> Result<Generated, Error> {
        let mut stats = AnswerStats { question_tokens: question.ids.len(), ..AnswerStats::default() };
        let mut density = MeanDensity::default();
        let mut ids = Vec::new();
        let prompt = context.iter().chain(&question.ids).copied();
        let mut attended = Attended::new(self.sampling, prompt.clone());
        if question.max_new_tokens == 0 {
            let micro_metrics = attended.into_metrics();
            return Ok(Generated { ids, text: String::new(), first_logits: None, stats, micro_metrics });
        }
        let mut sampler = Sampler::new(&self.params.sampling, self.params.repetition_penalty, number, prompt);
        let mut text = TextStream::new(self.tokenizer, &self.params.stop);

        let started = Instant::now();
        let mut step =
            self.model.forward(&question.ids, cache, &mut attention.reborrow().observed(&mut attended))?;
        density.add(question.ids.len(), step.density);
        let mut token = sampler.choose(&step.logits)?;
        let first_logits = Some(step.logits);
        stats.question_seconds = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let stopped = loop {
            ids.push(token);
            let ended = self.eos.contains(&token);
            let stopped = !ended && text.push(token)?;
            if ended || stopped || ids.len() == question.max_new_tokens {
                break stopped;
            }
            on_token(NewToken { question: number, id: token, text: text.piece() });
            attended.step = ids.len();
            step = self.model.forward(&[token], cache, &mut attention.reborrow().observed(&mut attended))?;
            density.add(1, step.density);
            token = sampler.choose(&step.logits)?;
        };
        stats.decode_seconds = started.elapsed().as_secs_f64();
        stats.generated_tokens = ids.len();
        stats.density = density.mean();
        stats.attention_backends = attended.backends();
        let (last, text) = text.finish(stopped)?;
        on_token(NewToken { question: number, id: token, text: &last });
        Ok(Generated { ids, text, first_logits, stats, micro_metrics: attended.into_metrics() })
    }
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
