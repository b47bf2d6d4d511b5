//! Decoding: from a question's tokens to its answer.

use std::time::Instant;

use sah_attention::AttentionPolicy;
use tch::Device;

use super::busy_pool::BusyPool;
use super::call_log::Measuring;
use super::growing::Growing;
use super::slot::Slot;
use super::{AnswerRules, Generated, OnToken, QuestionTokens};
use crate::Error;
use crate::cache::{Batch, KvCache};
use crate::model::{CausalLm, NewTokens};

/// Generates the answers of one request.
#[derive(Clone, Debug)]
pub(super) struct Generator<'a> {
    pub(super) model: &'a dyn CausalLm,
    pub(super) rules: AnswerRules<'a>,
    /// Tokens of the longest prompt; see [`NewTokens`].
    pub(super) prompt: usize,
    pub(super) measuring: Option<Measuring>,
}

impl<'a> Generator<'a> {
    /// Prefills what is not yet in `cache` of the question after `context`, its tokens from `read` on, and chooses the first new token.
    /// `number` is the question's number in its request.
    pub(super) fn prefill_question(
        &self,
        (number, question): (usize, &QuestionTokens),
        context: &[u32],
        read: usize,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Slot<'a>, Error> {
        let ids = &question.ids[read..];
        let _span = tracing::debug_span!("question", number, tokens = ids.len()).entered();
        let started = Instant::now();
        let mut slot = Slot::new(self.rules, self.measuring.as_ref(), (number, question), context);
        if question.limit.answer == 0 {
            return Ok(slot);
        }
        let (is_dense, tokens) = (attention.is_dense(), NewTokens { ids, prompt: self.prompt });
        let mut observed = attention.reborrow().observed(&mut slot.calls);
        // Long questions in chunks: not where a masker goes by the rows and keys of a call.
        let step = if is_dense {
            self.model.read(tokens, cache, &mut observed, &mut |_| ())?.ok_or(Error::EmptyQuestion)?
        } else {
            self.model.forward(tokens, cache, &mut observed)?
        };
        slot.choose_first(self.model.logits(&[&step])?.f_view([-1])?)?;
        slot.density.add(ids.len(), step.density.value()?);
        slot.stats.question_seconds = started.elapsed().as_secs_f64();
        Ok(slot)
    }

    /// Decodes one answer until the end of the turn, a stop string or the limit. Keys may go while it is `growing`.
    pub(super) fn decode(
        &self,
        mut slot: Slot<'a>,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
        mut growing: Option<&mut Growing<'_>>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Generated, Error> {
        let _span = tracing::debug_span!("decode", answers = 1).entered();
        let started = Instant::now();
        let pool = self.is_on_cpu().then(BusyPool::new);
        while slot.accept(on_token)? {
            let _span = tracing::trace_span!("step").entered();
            pool.iter().for_each(BusyPool::before_step);
            let tokens = NewTokens { ids: &[slot.token()], prompt: self.prompt };
            let mut observed = attention.reborrow().observed(&mut slot.calls);
            if let Some(growing) = growing.as_deref_mut() {
                observed = observed.observed(growing);
            }
            let step = self.model.forward(tokens, cache, &mut observed)?;
            drop(observed);
            slot.choose(&self.model.logits(&[&step])?.f_view([-1])?)?;
            slot.density.add(1, step.density.value()?);
            if let Some(growing) = growing.as_deref_mut() {
                growing.after_step(cache, attention)?;
            }
        }
        slot.stats.decode_seconds = started.elapsed().as_secs_f64();
        slot.finish(on_token)
    }

    /// Decodes a batch, each answer until its own end: slot `i` continues sequence `i` of `batch` with `attentions[i]`.
    pub(super) fn decode_batch(
        &self,
        mut slots: Vec<Slot<'a>>,
        batch: &mut Batch<'_>,
        attentions: &mut [AttentionPolicy<'_>],
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let _span = tracing::debug_span!("decode", answers = slots.len()).entered();
        let pool = self.is_on_cpu().then(BusyPool::new);
        loop {
            let started = Instant::now();
            let mut running = Vec::with_capacity(slots.len());
            for (number, slot) in slots.iter_mut().enumerate() {
                if slot.accept(on_token)? {
                    running.push(number);
                }
            }
            if running.is_empty() {
                return slots.into_iter().map(|slot| slot.finish(on_token)).collect();
            }
            let _span = tracing::trace_span!("step", answers = running.len()).entered();
            pool.iter().for_each(BusyPool::before_step);
            self.step(&mut slots, &running, batch, attentions)?;
            let share = started.elapsed().as_secs_f64() / running.len() as f64;
            for number in running {
                slots[number].stats.decode_seconds += share;
            }
        }
    }

    /// Whether layers of the model are on the CPU.
    fn is_on_cpu(&self) -> bool {
        self.model.cache_shape().layers.iter().any(|layer| layer.device == Device::Cpu)
    }

    /// One decode step: a token for each of the slots `running`.
    fn step(
        &self,
        slots: &mut [Slot<'_>],
        running: &[usize],
        batch: &mut Batch<'_>,
        attentions: &mut [AttentionPolicy<'_>],
    ) -> Result<(), Error> {
        let ids: Vec<u32> = running.iter().map(|&number| slots[number].token()).collect();
        let mut observed: Vec<AttentionPolicy<'_>> = slots
            .iter_mut()
            .zip(attentions)
            .enumerate()
            .filter(|(number, _)| running.contains(number))
            .map(|(_, (slot, attention))| match attention {
                // The rows are computed in one call, which is no single question's.
                AttentionPolicy::Dense { kernel } if !slot.calls.measures_dense() => {
                    slot.calls.note_dense();
                    AttentionPolicy::Dense { kernel: *kernel }
                }
                attention => attention.reborrow().observed(&mut slot.calls),
            })
            .collect();
        let tokens = NewTokens { ids: &ids, prompt: self.prompt };
        let steps = self.model.forward_batch(tokens, running, batch, &mut observed)?;
        drop(observed);
        let logits = self.model.logits(&steps.iter().collect::<Vec<_>>())?;
        for (row, (&number, step)) in running.iter().zip(&steps).enumerate() {
            slots[number].choose(&logits.f_get(row as i64)?)?;
            slots[number].density.add(1, step.density.value()?);
        }
        Ok(())
    }
}
