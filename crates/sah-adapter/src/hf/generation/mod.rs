//! Decoding: from a question's tokens to its answer.

mod answering;
mod attended;
mod awake;
mod processors;
mod sampler;
mod text;

use std::time::Instant;

use sah_attention::{AttentionPolicy, CallSampling};
use tch::{Device, Tensor};

use super::Tokenizer;
use super::prompt::QuestionTokens;
use crate::cache::{KvCache, Together};
use crate::model::CausalLm;
use crate::{AnswerStats, Error, GenerationParams, MicroMetrics, NewToken};
use answering::Answering;
use awake::Awake;

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

/// Where new tokens are handed to.
pub(super) type OnToken<'a> = dyn FnMut(NewToken<'_>) + 'a;

impl<'a> Decoder<'a> {
    /// Runs the question's tokens behind what is in `cache`, which is `context`, and chooses the first new token. `number` is
    /// the question's place in its request.
    pub(super) fn ask(
        &self,
        (number, question): (usize, &QuestionTokens),
        context: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Answering<'a>, Error> {
        let _span = tracing::debug_span!("question", number, tokens = question.ids.len()).entered();
        let started = Instant::now();
        let mut answering = Answering::new(self, (number, question), context);
        if question.max_new_tokens == 0 {
            return Ok(answering);
        }
        let is_dense = matches!(attention, AttentionPolicy::Dense);
        let mut observed = attention.reborrow().observed(&mut answering.attended);
        // Long questions in chunks: not where a masker goes by the rows and keys of a call.
        let step = if is_dense {
            self.model.read(&question.ids, cache, &mut observed, &mut |_| ())?.ok_or(Error::EmptyQuestion)?
        } else {
            self.model.forward(&question.ids, cache, &mut observed)?
        };
        answering.density.add(question.ids.len(), step.density);
        answering.choose_first(self.model.logits(&[&step])?.f_view([-1])?)?;
        answering.stats.question_seconds = started.elapsed().as_secs_f64();
        Ok(answering)
    }

    /// Goes on behind what is in `cache` until the end of the turn, a stop string or the limit.
    pub(super) fn go_on(
        &self,
        mut answering: Answering<'a>,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Generated, Error> {
        let _span = tracing::debug_span!("decode", answers = 1).entered();
        let started = Instant::now();
        let awake = self.is_on_cpu().then(Awake::new);
        while answering.accept(on_token)? {
            let _span = tracing::trace_span!("step").entered();
            awake.iter().for_each(Awake::step);
            let token = answering.token();
            let mut observed = attention.reborrow().observed(&mut answering.attended);
            let step = self.model.forward(&[token], cache, &mut observed)?;
            answering.density.add(1, step.density);
            answering.choose(&self.model.logits(&[&step])?.f_view([-1])?)?;
        }
        answering.stats.decode_seconds = started.elapsed().as_secs_f64();
        answering.finish(on_token)
    }

    /// Goes on with answers together, number `i` behind sequence `i` and with `attentions[i]`, each until its own end.
    pub(super) fn go_on_together(
        &self,
        mut answers: Vec<Answering<'a>>,
        sequences: &mut Together<'_>,
        attentions: &mut [AttentionPolicy<'_>],
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let _span = tracing::debug_span!("decode", answers = answers.len()).entered();
        let awake = self.is_on_cpu().then(Awake::new);
        loop {
            let started = Instant::now();
            let mut going = Vec::with_capacity(answers.len());
            for (number, answering) in answers.iter_mut().enumerate() {
                if answering.accept(on_token)? {
                    going.push(number);
                }
            }
            if going.is_empty() {
                return answers.into_iter().map(|answering| answering.finish(on_token)).collect();
            }
            let _span = tracing::trace_span!("step", answers = going.len()).entered();
            awake.iter().for_each(Awake::step);
            self.step(&mut answers, &going, sequences, attentions)?;
            let share = started.elapsed().as_secs_f64() / going.len() as f64;
            for number in going {
                answers[number].stats.decode_seconds += share;
            }
        }
    }

    /// Whether layers of the model are on the CPU.
    fn is_on_cpu(&self) -> bool {
        self.model.cache_shape().layers.contains(&Device::Cpu)
    }

    /// One more token for each of the answers `going`.
    fn step(
        &self,
        answers: &mut [Answering<'_>],
        going: &[usize],
        sequences: &mut Together<'_>,
        attentions: &mut [AttentionPolicy<'_>],
    ) -> Result<(), Error> {
        let ids: Vec<u32> = going.iter().map(|&number| answers[number].token()).collect();
        let mut observed: Vec<AttentionPolicy<'_>> = answers
            .iter_mut()
            .zip(attentions)
            .enumerate()
            .filter(|(number, _)| going.contains(number))
            .map(|(_, (answering, attention))| match attention {
                // The rows are computed in one call, which is no single question's.
                AttentionPolicy::Dense => {
                    answering.attended.note_dense();
                    AttentionPolicy::Dense
                }
                attention => attention.reborrow().observed(&mut answering.attended),
            })
            .collect();
        let steps = self.model.forward_each(&ids, going, sequences, &mut observed)?;
        drop(observed);
        let logits = self.model.logits(&steps.iter().collect::<Vec<_>>())?;
        for (row, (&number, step)) in going.iter().zip(&steps).enumerate() {
            answers[number].density.add(1, step.density);
            answers[number].choose(&logits.f_get(row as i64)?)?;
        }
        Ok(())
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
