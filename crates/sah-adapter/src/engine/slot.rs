//! The slot of one question in a batch: its answer while it is decoded.

use tch::Tensor;

use super::answer_text::{AnswerText, FinishedText, Stage};
use super::call_log::{CallLog, Measuring};
use super::processors::{AnswerLimits, Processors};
use super::sampler::Sampler;
use super::{AnswerLimit, AnswerRules, Generated, OnToken, QuestionTokens};
use crate::{AnswerEnd, AnswerStats, Error, NewToken};

/// An answer that may not be at its end yet: the last chosen token is not part of it until [`Slot::accept`] takes it.
pub(super) struct Slot<'a> {
    number: usize,
    limit: AnswerLimit,
    eos: &'a [u32],
    sampler: Sampler<'a>,
    text: AnswerText<'a>,
    ids: Vec<u32>,
    chosen: Option<u32>,
    first_logits: Option<Tensor>,
    pub(super) calls: CallLog,
    pub(super) density: MeanDensity,
    pub(super) stats: AnswerStats,
}

impl<'a> Slot<'a> {
    /// Before anything was read.
    pub(super) fn new(
        rules: AnswerRules<'a>,
        measuring: Option<&Measuring>,
        (number, question): (usize, &QuestionTokens),
        context: &[u32],
    ) -> Self {
        let AnswerRules { detokenizer, eos, logits, params, thoughts } = rules;
        let prompt = context.iter().chain(&question.ids).copied();
        let limits = AnswerLimits { eos, max_new_tokens: question.limit.tokens() };
        let processors = Processors::new(logits, limits, prompt.clone());
        Self {
            number,
            limit: question.limit,
            eos,
            sampler: Sampler::new(&params.sampling, processors, question.draws(number)),
            text: AnswerText::new(detokenizer, &params.stop, thoughts, question.in_thoughts),
            ids: Vec::new(),
            chosen: None,
            first_logits: None,
            calls: CallLog::new(measuring, prompt),
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
        self.stats.end = if self.eos.contains(&token) {
            Some(AnswerEnd::EndOfTurn)
        } else if self.text.push(token)? {
            Some(AnswerEnd::StopText)
        } else {
            self.limit.reached(&self.text, self.ids.len())
        };
        if self.stats.end.is_some() {
            return Ok(false);
        }
        let (text, is_thought) = self.text.piece();
        on_token(NewToken { question: self.number, id: token, text: &text, is_thought, is_last: false });
        self.calls.step = self.ids.len();
        Ok(true)
    }

    /// The token that was accepted last.
    pub(super) fn token(&self) -> u32 {
        self.ids.last().copied().unwrap_or_default()
    }

    /// The answer, whose last token is handed out.
    pub(super) fn finish(mut self, on_token: &mut OnToken<'_>) -> Result<Generated, Error> {
        let is_stopped = self.stats.end == Some(AnswerEnd::StopText);
        let FinishedText { last, last_is_thought, text, thoughts, thinking_tokens } =
            self.text.finish(is_stopped)?;
        if let Some(&id) = self.ids.last() {
            let (question, text) = (self.number, &*last);
            on_token(NewToken { question, id, text, is_thought: last_is_thought, is_last: true });
            self.stats.thinking_tokens = thinking_tokens;
            self.stats.generated_tokens = self.ids.len();
            self.stats.density = self.density.mean();
            self.stats.attention_backends = self.calls.backends();
        }
        Ok(Generated {
            ids: self.ids,
            text,
            thoughts,
            first_logits: self.first_logits,
            stats: self.stats,
            micro_metrics: self.calls.into_metrics(),
        })
    }
}

impl AnswerLimit {
    /// Which limit an answer of so many tokens has reached, if it has.
    fn reached(self, text: &AnswerText<'_>, tokens: usize) -> Option<AnswerEnd> {
        let (limit, end) = match text.stage() {
            Stage::Thinking if self.thoughts > 0 => (self.thoughts, AnswerEnd::ThinkingLimit),
            Stage::Thinking => (self.answer, AnswerEnd::ThinkingLimit),
            Stage::Undecided => (self.answer.max(self.thoughts), AnswerEnd::Limit),
            Stage::Answering if self.thoughts > 0 => (text.thinking_tokens() + self.answer, AnswerEnd::Limit),
            Stage::Answering => (self.answer, AnswerEnd::Limit),
        };
        (tokens >= limit).then_some(end)
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
