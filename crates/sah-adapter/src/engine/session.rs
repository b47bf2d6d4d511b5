//! A context and the answers to the questions about it.

use std::rc::Rc;
use std::time::Instant;

use sah_attention::{AttentionPolicy, KeptKeys, RequestState};

use super::batching::Batching;
use super::cache_figures::CacheFigures;
use super::call_log::Measuring;
use super::context_log::ContextLog;
use super::contexts::ReadContext;
use super::decode::Generator;
use super::growing::Growing;
use super::observed::Observed;
use super::whole_context::WholeContext;
use super::{
    AnswerRules, AttentionPlan, Engine, Generated, OnToken, QuestionTokens, RepeatTokens, RetentionPlan,
    TokenRequest,
};
use crate::cache::{Batch, KvCache, Slots};
use crate::{AttentionCall, Error, RequestObserver};

/// A prefilled context whose questions can be answered.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    engine: &'a Engine,
    plan: &'a AttentionPlan,
    request: TokenRequest<'a>,
    batching: Batching,
    context: ContextCache,
    /// All keys of the context, where some were dropped and calls are measured.
    whole: Option<Rc<WholeContext>>,
    /// What retentions look at, where the context was read for one: a later request may have one again.
    observed: Option<Observed>,
    figures: CacheFigures,
    /// What maskers learn about the context's keys serves all questions with the same seed, like the cache itself.
    state: RequestState,
    prefill_seconds: f64,
    /// What was measured of sparse attention while the context was read; `None` where nothing was to be.
    measured: Option<Vec<AttentionCall>>,
}

/// The keys and values of a context.
#[derive(Debug)]
enum ContextCache {
    /// All of them; questions follow in the same cache, and are cut off again.
    Shared(KvCache),
    /// All of them, the older ones packed; questions follow likewise.
    Packed(KvCache),
    /// Those that a retention left; questions follow likewise.
    Compacted(KvCache),
    /// All of them, from which a retention leaves some for each question, in a cache of its own.
    Whole(KvCache),
    /// Those that may still be read; each question continues a fork.
    Evicted(KvCache, KeptKeys),
}

impl<'a> Session<'a> {
    /// Prefills the request's context, or takes it from those that `engine` has kept.
    pub(crate) fn prefill(
        engine: &'a Engine,
        plan: &'a AttentionPlan,
        request: TokenRequest<'a>,
        observer: &mut dyn RequestObserver,
    ) -> Result<Self, Error> {
        let batching = Batching::of(&request);
        let mut state = RequestState::new(plan.seed).reading(request.context.len());
        if engine.network.drops_keys() {
            plan.check_keeps_keys(engine.cache_format)?;
        }
        let retention = plan.retention.as_ref().filter(|_| !request.context.is_empty());
        let room = request.context.len() + engine.room_after_context(plan, retention, &request, &batching);
        let sampling = plan.sampling.filter(|_| plan.prefill.is_some());
        let mut log = sampling.map(|sampling| ContextLog::new(sampling, request.context));
        let mut attention = plan.prefill_policy(&mut state);
        if let Some(log) = &mut log {
            attention = attention.observed(log);
        }
        let mut read = engine.prefill(&request, room, plan, &mut attention, observer)?;
        drop(attention);
        let mut prefill_seconds = read.prefill_seconds;
        let (mut seen, mut whole) = (None, None);
        let context = match (plan.kept, retention) {
            (None, None) if let Some(kept) = read.kept.take() => {
                let started = Instant::now();
                let compacted = read.cache.compact(&kept, batching.room)?;
                prefill_seconds += started.elapsed().as_secs_f64();
                ContextCache::Compacted(compacted)
            }
            (None, None) if engine.cache_format.packed_of(request.context.len()) > 0 => {
                let started = Instant::now();
                let packed = engine.pack(plan, read)?;
                prefill_seconds += started.elapsed().as_secs_f64();
                ContextCache::Packed(packed)
            }
            (None, None) => {
                seen = read.observed;
                ContextCache::Shared(read.cache)
            }
            (None, Some(retention)) if retention.has_caches_of_questions() => {
                seen = read.observed;
                ContextCache::Whole(read.cache)
            }
            (None, Some(retention)) => {
                let started = Instant::now();
                if plan.sampling.is_some() {
                    whole = Some(Rc::new(WholeContext::of(&read.cache, &engine.network.cache_shape().read)?));
                }
                let compacted = engine.retain(plan, retention, &request, read, batching.room)?;
                prefill_seconds += started.elapsed().as_secs_f64();
                ContextCache::Compacted(compacted)
            }
            (Some(kept), _) => {
                let fork = read.cache.fork(kept, 0, 0)?;
                // Before the questions: this frees the memory.
                engine.keep(plan, read);
                sah_tensor::give_back_freed();
                ContextCache::Evicted(fork, kept)
            }
        };
        let figures = match &context {
            ContextCache::Compacted(cache) => CacheFigures::of(cache, true)?,
            ContextCache::Shared(cache)
            | ContextCache::Packed(cache)
            | ContextCache::Whole(cache)
            | ContextCache::Evicted(cache, _) => CacheFigures::of(cache, false)?,
        };
        Ok(Self {
            engine,
            plan,
            request,
            batching,
            context,
            whole,
            observed: seen,
            figures,
            state,
            prefill_seconds,
            measured: log.map(ContextLog::into_calls),
        })
    }

    /// What its caches hold.
    pub(crate) fn figures(&self) -> &CacheFigures {
        &self.figures
    }

    /// Seconds that prefilling the context took.
    pub(crate) fn prefill_seconds(&self) -> f64 {
        self.prefill_seconds
    }

    /// Answers all questions, batch after batch.
    pub(crate) fn answer(
        &mut self,
        rules: AnswerRules<'_>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let differs = self.plan.decode.is_some() || self.plan.retention.is_some();
        let measuring = self.plan.sampling.filter(|_| differs);
        let measuring = measuring.map(|sampling| Measuring { sampling, whole: self.whole.clone() });
        let generator =
            Generator { model: &*self.engine.network, rules, prompt: self.request.prompt(), measuring };
        let TokenRequest { context, questions, .. } = self.request;
        let mut answers: Vec<Generated> = Vec::with_capacity(questions.len());
        for questions in questions.chunks(self.batching.size.max(1)) {
            let first = answers.len();
            let batch = QuestionBatch { generator: &generator, plan: self.plan, context, questions, first };
            answers.extend(match (&mut self.context, questions) {
                (ContextCache::Evicted(cache, kept), _) => {
                    batch.answer_in_forks(cache, *kept, &self.state, on_token)?
                }
                (ContextCache::Whole(cache), _) => {
                    let seen = (self.observed.as_ref(), self.request.repeat);
                    batch.answer_in_own_caches(seen, cache, &mut self.figures, on_token)?
                }
                (
                    ContextCache::Shared(cache)
                    | ContextCache::Packed(cache)
                    | ContextCache::Compacted(cache),
                    [question],
                ) => vec![batch.answer_alone(question, cache, &mut self.state, on_token)?],
                (
                    ContextCache::Shared(cache)
                    | ContextCache::Packed(cache)
                    | ContextCache::Compacted(cache),
                    _,
                ) => batch.answer_in_slots(self.batching.longest, cache, &mut self.state, on_token)?,
            });
        }
        if let (Some(first), Some(measured)) = (answers.first_mut(), self.measured.take()) {
            first.micro_metrics.get_or_insert_default().sampled.splice(..0, measured);
        }
        Ok(answers)
    }

    /// Ends the session; the engine may keep its context for a later request.
    pub(crate) fn close(self) {
        if let ContextCache::Shared(mut cache) | ContextCache::Whole(mut cache) = self.context {
            let ids = self.request.context.to_vec();
            cache.truncate(ids.len());
            let (prompt, observed, prefill_seconds) =
                (self.request.prompt(), self.observed, self.prefill_seconds);
            self.engine
                .keep(self.plan, ReadContext { ids, prompt, cache, prefill_seconds, observed, kept: None });
        }
    }
}

impl Engine {
    /// Tokens that a cache of a context needs room for after it.
    fn room_after_context(
        &self,
        plan: &AttentionPlan,
        retention: Option<&RetentionPlan>,
        request: &TokenRequest<'_>,
        batching: &Batching,
    ) -> usize {
        let repetition = retention.and_then(|plan| plan.retention.needs().repetition);
        let pass =
            |length| repetition.map_or(0, |repetition| request.repeat.longest_pass(repetition, length));
        let context = request.context.len();
        match retention {
            Some(retention) if retention.has_caches_of_questions() => {
                let seen = request.questions.iter().map(|question| retention.seen_of(question).len());
                let seen = seen.max().unwrap_or_default();
                seen + pass(context + seen)
            }
            // Questions continue another cache where keys go, unless the context's own is kept for questions of later requests.
            Some(_) if !self.keeps_contexts() => pass(context),
            Some(_) => pass(context).max(batching.room),
            None if plan.kept.is_some() || self.network.drops_keys() => 0,
            None => batching.room,
        }
    }

    /// The cache of `context` with the keys that stay and `room` for tokens after them.
    fn retain(
        &self,
        plan: &AttentionPlan,
        RetentionPlan { retention, .. }: &RetentionPlan,
        request: &TokenRequest<'_>,
        mut context: ReadContext,
        room: usize,
    ) -> Result<KvCache, Error> {
        let _span = tracing::debug_span!("retain", tokens = context.ids.len()).entered();
        let Some(observed) = &mut context.observed else {
            unreachable!("a context is read with what the plan's retention looks at")
        };
        if let Some(repetition) = retention.needs().repetition {
            let asked = (repetition, request.repeat);
            let mut dense = plan.dense_policy();
            observed.repeat(&*self.network, asked, &context.ids, &mut context.cache, &mut dense)?;
        }
        let kept = observed.keep(&*self.network, &context.cache, retention, plan.seed)?;
        let compacted = if self.keeps_contexts() {
            let compacted = context.cache.compact_copy(&kept, room)?;
            self.keep(plan, context);
            compacted
        } else {
            context.cache.compact(&kept, room)?
        };
        if self.cache_format.packs() { compacted.pack() } else { Ok(compacted) }
    }

    /// The cache of `context` with its older keys and values packed.
    fn pack(&self, plan: &AttentionPlan, context: ReadContext) -> Result<KvCache, Error> {
        let _span = tracing::debug_span!("pack", tokens = context.ids.len()).entered();
        if !self.keeps_contexts() {
            return context.cache.pack();
        }
        let packed = context.cache.pack_copy()?;
        self.keep(plan, context);
        Ok(packed)
    }

    /// Keeps a context that was prefilled densely, up to the limit on their memory.
    fn keep(&self, plan: &AttentionPlan, context: ReadContext) {
        if plan.prefill.is_none() {
            self.contexts.borrow_mut().keep(context);
        }
    }
}

/// Questions that are answered in one batch.
struct QuestionBatch<'a> {
    generator: &'a Generator<'a>,
    plan: &'a AttentionPlan,
    context: &'a [u32],
    questions: &'a [QuestionTokens],
    /// The number of the first question in its request.
    first: usize,
}

impl<'a> QuestionBatch<'a> {
    /// The questions with their numbers in the request.
    fn numbered(&self) -> impl Iterator<Item = (usize, &'a QuestionTokens)> + use<'a> {
        (self.first..).zip(self.questions)
    }

    /// Makes `state` what maskers know of the context alone, which is all that `cache` holds, by the seed of the answer to a question.
    fn rewind(
        &self,
        state: &mut RequestState,
        cache: &KvCache,
        (number, question): (usize, &QuestionTokens),
    ) {
        let seed = question.draws(number).seed(self.plan.seed);
        if state.seed() == seed {
            state.truncate_each(|layer, head| cache.stored(layer, head));
        } else {
            *state = RequestState::new(seed);
        }
    }

    /// Answers a single question after the context, in its cache.
    fn answer_alone(
        &self,
        question: &QuestionTokens,
        cache: &mut KvCache,
        state: &mut RequestState,
        on_token: &mut OnToken<'_>,
    ) -> Result<Generated, Error> {
        cache.truncate(self.context.len());
        let question = (self.first, question);
        self.rewind(state, cache, question);
        let mut attention = self.plan.question_policy(state);
        let slot = self.generator.prefill_question(question, self.context, 0, cache, &mut attention)?;
        let mut attention = self.plan.decode_policy(state);
        let mut generated = self.generator.decode(slot, cache, &mut attention, None, on_token)?;
        generated.stats.masker_state_bytes = state.bytes();
        Ok(generated)
    }

    /// Answers each question in a cache of its own.
    fn answer_in_own_caches(
        &self,
        (observed, repeat): (Option<&Observed>, &RepeatTokens),
        cache: &mut KvCache,
        figures: &mut CacheFigures,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let (Some(retention), Some(observed)) = (&self.plan.retention, observed) else {
            unreachable!("a context is read with what the plan's retention looks at")
        };
        let seen = (retention, observed, repeat);
        let answer = |question| self.answer_in_own(question, seen, cache, figures, on_token);
        self.numbered().map(answer).collect()
    }

    /// Answers a question in a cache of its own: what the retention leaves of the context in `cache`, and of the question's text after it
    /// where it sees that, and of the answer where keys go while it grows.
    fn answer_in_own(
        &self,
        (number, question): (usize, &QuestionTokens),
        (plan, observed, repeat): (&RetentionPlan, &Observed, &RepeatTokens),
        cache: &mut KvCache,
        figures: &mut CacheFigures,
        on_token: &mut OnToken<'_>,
    ) -> Result<Generated, Error> {
        let started = Instant::now();
        cache.truncate(self.context.len());
        let (network, retention) = (self.generator.model, &plan.retention);
        let seen = plan.seen_of(question);
        let mut observed = observed.fork();
        if !seen.is_empty() {
            observed.read(network, seen, cache, &mut self.plan.dense_policy(), &mut |_| ())?;
        }
        if let Some(repetition) = retention.needs().repetition {
            let ids = [self.context, seen].concat();
            observed.repeat(network, (repetition, repeat), &ids, cache, &mut self.plan.dense_policy())?;
        }
        let stays = observed.keep(network, cache, retention, self.plan.seed)?;
        let mut growing = Growing::new(retention, &observed, &stays, self.plan.seed)?;
        let mut generator = self.generator.clone();
        if let Some(measuring) = &mut generator.measuring {
            measuring.whole = Some(Rc::new(WholeContext::of(cache, &network.cache_shape().read)?));
        }
        let answer = question.limit.tokens();
        let room = question.ids.len() - seen.len() + retention.every().unwrap_or(answer).min(answer);
        let mut own = cache.compact_copy(&stays, room)?;
        if cache.packs() {
            own = own.pack()?;
        }
        let (share, bytes) = (own.kept_share(), own.stored_bytes()?);
        let read_seconds = started.elapsed().as_secs_f64();

        let mut state = RequestState::new(question.draws(number).seed(self.plan.seed));
        let mut attention = self.plan.question_policy(&mut state);
        if let Some(growing) = &mut growing {
            attention = attention.observed(growing);
        }
        let asked = (number, question);
        let mut slot =
            generator.prefill_question(asked, self.context, seen.len(), &mut own, &mut attention)?;
        drop(attention);
        slot.stats.question_seconds += read_seconds;
        let mut attention = self.plan.decode_policy(&mut state);
        let mut generated = generator.decode(slot, &mut own, &mut attention, growing.as_mut(), on_token)?;
        drop(attention);
        let left = growing.and_then(|growing| growing.left);
        let (share, bytes) = left.map_or((share, bytes), |(share, most)| (share, bytes.max(most)));
        figures.add(share, bytes, own.peak_bytes());
        generated.stats.masker_state_bytes = state.bytes();
        Ok(generated)
    }

    /// Answers the questions in slots of the context's cache, each with room for `longest` tokens.
    fn answer_in_slots(
        &self,
        longest: usize,
        cache: &mut KvCache,
        state: &mut RequestState,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        cache.truncate(self.context.len());
        let mut slots = Slots::after(cache, self.questions.len(), longest)?;
        let (mut answers, mut states) = (Vec::new(), Vec::new());
        for (number, question) in self.numbered().enumerate() {
            let cache = slots.cache();
            self.rewind(state, cache, question);
            let mut attention = self.plan.question_policy(state);
            answers.push(self.generator.prefill_question(
                question,
                self.context,
                0,
                cache,
                &mut attention,
            )?);
            slots.take(number)?;
            states.push(state.fork());
        }
        self.decode_batch(answers, &mut Batch::Slots(slots), states, on_token)
    }

    /// Answers each question in a fork of what is kept of the context, which evicts keys as the answer grows.
    fn answer_in_forks(
        &self,
        context: &KvCache,
        kept: KeptKeys,
        state: &RequestState,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let (mut slots, mut forks, mut states) = (Vec::new(), Vec::new(), Vec::new());
        for (number, question) in self.numbered() {
            let mut fork = context.fork(kept, question.ids.len(), question.limit.tokens())?;
            let question = (number, question);
            let mut state = state.fork();
            self.rewind(&mut state, &fork, question);
            let mut attention = self.plan.question_policy(&mut state);
            slots.push(self.generator.prefill_question(
                question,
                self.context,
                0,
                &mut fork,
                &mut attention,
            )?);
            forks.push(fork);
            states.push(state);
        }
        self.decode_batch(slots, &mut Batch::Forks(&mut forks), states, on_token)
    }

    fn decode_batch(
        &self,
        slots: Vec<super::slot::Slot<'_>>,
        batch: &mut Batch<'_>,
        mut states: Vec<RequestState>,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Generated>, Error> {
        let mut attentions: Vec<AttentionPolicy<'_>> =
            states.iter_mut().map(|state| self.plan.decode_policy(state)).collect();
        let mut generated = self.generator.decode_batch(slots, batch, &mut attentions, on_token)?;
        for (generated, state) in generated.iter_mut().zip(&states) {
            generated.stats.masker_state_bytes = state.bytes();
        }
        Ok(generated)
    }
}
