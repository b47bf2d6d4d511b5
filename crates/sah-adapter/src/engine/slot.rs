//! The slot of one question in a batch: its answer while it is decoded.

use sah_attention::CallSampling;
use tch::Tensor;

use super::call_log::CallLog;
use super::sampler::Sampler;
use super::text::TextStream;
use super::{AnswerRules, Generated, OnToken, QuestionTokens};
use crate::{AnswerStats, Error, NewToken};

/// An answer that may not be at its end yet: the last chosen token is not part of it until [`Slot::accept`] takes it.
pub(super) struct Slot<'a> {
    number: usize,
    max_new_tokens: usize,
    eos: &'a [u32],
    sampler: Sampler<'a>,
    text: TextStream<'a>,
    ids: Vec<u32>,
    chosen: Option<u32>,
    ended_by_stop: bool,
    first_logits: Option<Tensor>,
    pub(super) calls: CallLog,
    pub(super) density: MeanDensity,
    pub(super) stats: AnswerStats,
}

impl<'a> Slot<'a> {
    /// Before anything was read.
    pub(super) fn new(
        rules: AnswerRules<'a>,
        sampling: Option<CallSampling>,
        (number, question): (usize, &QuestionTokens),
        context: &[u32],
    ) -> Self {
        let AnswerRules { detokenizer, eos, params } = rules;
        let prompt = context.iter().chain(&question.ids).copied();
        Self {
            number,
            max_new_tokens: question.max_new_tokens,
            eos,
            sampler: Sampler::new(&params.sampling, params.repetition_penalty, number, prompt.clone()),
            text: TextStream::new(detokenizer, &params.stop),
            ids: Vec::new(),
            chosen: None,
            ended_by_stop: false,
            first_logits: None,
            calls: CallLog::new(sampling, prompt),
            density: MeanDensity::default(),
            stats: AnswerStats { question_tokens: question.ids.len(), ..AnswerStats::default() },
        }
    }

    /// Chooses the first token from the logits `[vocabulary]`, and keeps these.
    pub(super) fn choose_first(&mut self, logits: Tensor) -> Result<(), Error> {
        self.choose(&logits)?;
        self.first_logits = Some(logits);
        Ok(())
    }

    /// Chooses the next token from the logits `[vocabulary]`.
    pub(super) fn choose(&mut self, logits: &Tensor) -> Result<(), Error> {
        let _span = tracing::trace_span!("choose").entered();
        self.chosen = Some(self.sampler.choose(logits)?);
        Ok(())
    }

    /// Takes the chosen token into the answer, and hands it out unless it is the last one. False where the answer has ended.
    pub(super) fn accept(&mut self, on_token: &mut OnToken<'_>) -> Result<bool, Error> {
        let Some(token) = self.chosen.take() else { return Ok(false) };
        self.ids.push(token);
        let ended = self.eos.contains(&token);
        self.ended_by_stop = !ended && self.text.push(token)?;
        if ended || self.ended_by_stop || self.ids.len() == self.max_new_tokens {
            return Ok(false);
        }
        on_token(NewToken { question: self.number, id: token, text: self.text.piece(), is_last: false });
        self.calls.step = self.ids.len();
        Ok(true)
    }

    /// The token that was accepted last.
    pub(super) fn token(&self) -> u32 {
        self.ids.last().copied().unwrap_or_default()
    }

    /// The answer, whose last token is handed out.
    pub(super) fn finish(mut self, on_token: &mut OnToken<'_>) -> Result<Generated, Error> {
        let (last, text) = self.text.finish(self.ended_by_stop)?;
        if let Some(&id) = self.ids.last() {
            on_token(NewToken { question: self.number, id, text: &last, is_last: true });
            self.stats.generated_tokens = self.ids.len();
            self.stats.density = self.density.mean();
            self.stats.attention_backends = self.calls.backends();
        }
        Ok(Generated {
            ids: self.ids,
            text,
            first_logits: self.first_logits,
            stats: self.stats,
            micro_metrics: self.calls.into_metrics(),
        })
    }
}

/// Mean density over query rows.
#[derive(Debug, Default)]
pub(super) struct MeanDensity {
    sum: f64,
    rows: usize,
}

impl MeanDensity {
    pub(super) fn add(&mut self, rows: usize, density: f64) {
        self.sum += density * rows as f64;
        self.rows += rows;
    }

    fn mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum / self.rows as f64)
    }
}
