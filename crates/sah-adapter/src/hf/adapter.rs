//! [`HfAdapter`]: a loaded model behind the [`ModelAdapter`] interface.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use sah_attention::{AttentionPolicy, CallSampling, KeptKeys, KvFormat, RequestState, ResearchAttention};
use tch::{Device, Tensor};

use super::behind::{Asked, Context};
use super::contexts::{Contexts, ReadContext};
use super::generation::Decoder;
use super::prompt::Prompt;
use super::{Checkpoint, ModelIdentity, ModelSource, TemplateIdentity};
use crate::cache::KvCache;
use crate::model::{self, CHUNK, CausalLm};
use crate::{
    Answer, AnswerStats, ContextStats, Error, GenerationParams, ModelAdapter, NewToken, Placement, Precision,
    Request, RequestLimits, RequestObserver, RequestResponse,
};

/// A model in memory, with its tokenizer. Several adapters can share it.
#[derive(Debug)]
pub struct LoadedModel {
    pub(super) network: Box<dyn CausalLm>,
    pub(super) checkpoint: Checkpoint,
    pub(super) cache: KvFormat,
    contexts: RefCell<Contexts>,
}

impl LoadedModel {
    /// Loads the checkpoint at `source` to a device or several, in a precision: a [`Kind`](tch::Kind) (f32, bf16 or
    /// f16), or one beside which weights or the cache are kept otherwise.
    ///
    /// # Errors
    ///
    /// Files that are missing, broken, or ask for something that is not supported; each error names file and field.
    pub fn load(
        source: &ModelSource,
        placement: impl Into<Placement>,
        precision: impl Into<Precision>,
    ) -> Result<Rc<Self>, Error> {
        let _span = tracing::debug_span!("load").entered();
        let precision = precision.into();
        let checkpoint = Checkpoint::open(source)?;
        let network = tch::no_grad(|| {
            model::load(
                (&checkpoint.config, &checkpoint.config_path),
                &checkpoint.weights,
                &placement.into(),
                precision,
            )
        })?;
        Ok(Rc::new(Self { network, checkpoint, cache: precision.cache, contexts: RefCell::default() }))
    }

    /// Which model this is: for `config.json` of a run.
    #[must_use]
    pub fn identity(&self) -> &ModelIdentity {
        &self.checkpoint.identity
    }

    /// The chat template that requests of [`PromptForm::Chat`](crate::PromptForm::Chat) are put in; `None` where the
    /// model has none.
    #[must_use]
    pub fn chat_template(&self) -> Option<&TemplateIdentity> {
        self.checkpoint.chat_template.as_ref().map(|template| &template.identity)
    }

    /// How many positions the model was made for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.network.positions()
    }

    /// Keeps up to `bytes` of keys and values of contexts that were answered, those used last, instead of none. A request
    /// with such a context, of any adapter on this model, does not read it again; its
    /// [`prefill_seconds`](ContextStats::prefill_seconds) are those of the first time.
    pub fn keep_contexts(&self, bytes: usize) {
        self.contexts.borrow_mut().limit(bytes);
    }

    /// Reads the context of `prompt` into a cache with room for `room` tokens, or takes it from those that were kept where it
    /// was read densely. With `kept`, the cache keeps no more of the context than what it must hold while it reads a chunk.
    fn read_context(
        &self,
        prompt: &Prompt,
        room: usize,
        kept: Option<KeptKeys>,
        attention: &mut AttentionPolicy<'_>,
        observer: &mut dyn RequestObserver,
    ) -> Result<ReadContext, Error> {
        let ids = &prompt.context;
        let _span = tracing::debug_span!("prefill", tokens = ids.len()).entered();
        let longest = prompt.questions.iter().map(|question| question.ids.len()).max().unwrap_or_default();
        let expected = ids.len() + longest;
        if matches!(attention, AttentionPolicy::Dense)
            && let Some(kept) = self.contexts.borrow_mut().take(ids, room, expected)
        {
            return Ok(kept);
        }
        let shape = self.network.cache_shape();
        let mut cache = match kept {
            None => KvCache::new(&shape, room, self.cache)?,
            Some(kept) => {
                let room = room.min(kept.count().saturating_add(CHUNK));
                KvCache::new(&shape, room, self.cache)?.evicting(kept)
            }
        };
        cache.expect(expected);
        let started = Instant::now();
        let mut on_read = |read| observer.context_read(read, ids.len());
        self.network.read(ids, &mut cache, attention, &mut on_read)?;
        wait(&shape.layers);
        Ok(ReadContext { ids: ids.clone(), cache, prefill_seconds: started.elapsed().as_secs_f64() })
    }
}

/// Questions about one context that are answered together at most: more would take the memory of more answers.
const TOGETHER: usize = 8;

/// A model with a way to attend: dense, or sparse for questions and generated tokens and, where it is asked for, for the
/// context.
#[derive(Debug)]
pub struct HfAdapter {
    model: Rc<LoadedModel>,
    pub(super) attention: Option<ResearchAttention>,
    /// What contexts are read with; `None` where they are read densely.
    reader: Option<ResearchAttention>,
    /// What a cache holds at least where others are evicted; `None` where every key stays.
    kept: Option<KeptKeys>,
    seed: u64,
    sampling: Option<CallSampling>,
}

/// The tokens behind a [`RequestResponse`]: what a comparison with another implementation needs.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The context's tokens, after truncation.
    pub context_ids: Vec<u32>,
    /// One for each question.
    pub answers: Vec<AnswerTrace>,
}

/// The tokens of one question and its answer.
#[derive(Clone, Debug)]
pub struct AnswerTrace {
    /// The question's tokens, with what the chat template and the answer prefix add.
    pub question_ids: Vec<u32>,
    /// The new tokens, with the one that ended the turn if one did.
    pub generated_ids: Vec<u32>,
    /// The logits of the first new token, `[vocabulary]`. Empty where no token was asked for.
    pub first_logits: Vec<f32>,
}

impl HfAdapter {
    /// An adapter that attends densely where `attention` is `None`. `seed` is for maskers that sample.
    #[must_use]
    pub fn new(model: Rc<LoadedModel>, attention: Option<ResearchAttention>, seed: u64) -> Self {
        Self { model, attention, reader: None, kept: None, seed, sampling: None }
    }

    /// Measures the sparse attention calls that `sampling` draws: [`Answer::micro_metrics`] has density and error of each,
    /// in the answers of an adapter that attends sparsely. The draws of an answer depend on `sampling`, on the tokens of
    /// context and question, on step and layer. A measured call takes the time of a dense one in addition, which counts in
    /// the answer's seconds.
    #[must_use]
    pub fn with_micro_metrics(self, sampling: CallSampling) -> Self {
        Self { sampling: Some(sampling), ..self }
    }

    /// Reads contexts with the sparse attention too, instead of densely: each row its sinks and its window, whatever chunk it
    /// is in. Nothing changes for an adapter that attends densely.
    ///
    /// # Errors
    ///
    /// A masker that cannot do it: only sinks and windows of a fixed number of keys can.
    pub fn with_sparse_prefill(self) -> Result<Self, Error> {
        let reader = self.attention.as_ref().map(ResearchAttention::for_contexts).transpose()?;
        Ok(Self { reader, ..self })
    }

    /// Evicts from the KV cache the keys that attention never reads again: those of the context once it is read, or, with
    /// [sparse prefill](Self::with_sparse_prefill), while it is read, and those of question and answer as these grow.
    ///
    /// Answers stay the same. A call's error against dense attention cannot be
    /// [measured](Self::with_micro_metrics) any more.
    ///
    /// # Errors
    ///
    /// Attention that may read any key again: dense attention, and every masker but sinks and windows of a fixed number of
    /// keys.
    pub fn with_eviction(self) -> Result<Self, Error> {
        let Some(attention) = &self.attention else {
            let reader = "dense attention".to_owned();
            return Err(sah_attention::Error::NoEviction { reader }.into());
        };
        Ok(Self { kept: Some(attention.kept_keys()?), ..self })
    }

    /// Like [`ModelAdapter::process_request`], with the tokens behind the answers.
    ///
    /// # Errors
    ///
    /// As [`ModelAdapter::process_request`].
    pub fn process_traced(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<(RequestResponse, Trace), Error> {
        tch::no_grad(|| self.process(request, generation, limits, &mut ()))
    }

    /// Like [`ModelAdapter::process_request`], and hands every new token to `on_token` as it comes.
    ///
    /// # Errors
    ///
    /// As [`ModelAdapter::process_request`]; tokens may have been handed out before.
    pub fn process_streaming(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        on_token: &mut dyn FnMut(NewToken<'_>),
    ) -> Result<RequestResponse, Error> {
        Ok(tch::no_grad(|| self.process(request, generation, limits, &mut Tokens(on_token)))?.0)
    }

    fn process(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        observer: &mut dyn RequestObserver,
    ) -> Result<(RequestResponse, Trace), Error> {
        let _span = tracing::debug_span!("request", questions = request.questions.len()).entered();
        let model = &*self.model;
        let prompt = Prompt::new(request, &model.checkpoint, generation, limits)?;
        let positions = if limits.ignore_positions { usize::MAX } else { model.positions() };
        let longest = prompt.longest(positions)?;
        // The tails of questions that are answered together should not take more room than their context.
        let together = (prompt.context.len() / longest.max(1)).clamp(1, TOGETHER).min(prompt.questions.len());
        let room = prompt.context.len()
            + match self.kept {
                // Questions follow elsewhere.
                Some(_) => 0,
                None if together > 1 => (together + 1) * longest,
                None => longest,
            };
        // What maskers learn about the context's keys serves all questions, like the cache itself.
        let mut state = RequestState::new(self.seed);
        let is_dense = self.reader.is_none();
        let mut reading = match &self.reader {
            None => AttentionPolicy::Dense,
            Some(attention) => AttentionPolicy::Sparse { attention, state: &mut state },
        };
        let kept = self.kept.filter(|_| !is_dense);
        let read = model.read_context(&prompt, room, kept, &mut reading, observer)?;
        let prefill_seconds = read.prefill_seconds;
        let of_context = ContextStats {
            tokens: prompt.context.len(),
            truncated_tokens: prompt.truncated,
            prefill_seconds,
        };
        let keep = |read: ReadContext| {
            if is_dense {
                model.contexts.borrow_mut().keep(read);
            }
        };
        let mut context = match self.kept {
            None => Context::Whole(read.cache),
            Some(kept) => {
                let cache = read.cache.kept(kept, 0, 0)?;
                // Before the questions: this is what frees the memory.
                keep(read);
                Context::Kept(cache, kept)
            }
        };
        let mut answers = Vec::with_capacity(prompt.questions.len());
        let mut traces = Vec::with_capacity(prompt.questions.len());
        let decoder = Decoder {
            model: &*model.network,
            tokenizer: &model.checkpoint.tokenizer,
            eos: if generation.ignore_eos { &[] } else { &model.checkpoint.eos_token_ids },
            params: generation,
            sampling: self.sampling.filter(|_| self.attention.is_some()),
        };
        let mut number = 0;
        let mut on_token = |token: NewToken<'_>| observer.token(token);
        for questions in prompt.questions.chunks(together.max(1)) {
            let asked = Asked { context: &prompt.context, questions, first: number, longest };
            let generated = self.answer(&decoder, &asked, &mut context, &mut state, &mut on_token)?;
            number += questions.len();
            for (question, (generated, masker_state_bytes)) in questions.iter().zip(generated) {
                answers.push(Answer {
                    text: generated.text,
                    stats: AnswerStats { masker_state_bytes, ..generated.stats },
                    micro_metrics: generated.micro_metrics,
                });
                traces.push(AnswerTrace {
                    question_ids: question.ids.clone(),
                    first_logits: generated
                        .first_logits
                        .as_ref()
                        .map(to_vec)
                        .transpose()?
                        .unwrap_or_default(),
                    generated_ids: generated.ids,
                });
            }
        }
        if let Context::Whole(mut cache) = context {
            cache.truncate(prompt.context.len());
            keep(ReadContext { ids: prompt.context.clone(), cache, prefill_seconds });
        }
        let trace = Trace { context_ids: prompt.context, answers: traces };
        Ok((RequestResponse { answers, context: of_context }, trace))
    }
}

impl ModelAdapter for HfAdapter {
    fn process_request(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<RequestResponse, Error> {
        self.process_observed(request, generation, limits, &mut ())
    }

    fn process_observed(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        observer: &mut dyn RequestObserver,
    ) -> Result<RequestResponse, Error> {
        Ok(tch::no_grad(|| self.process(request, generation, limits, observer))?.0)
    }
}

/// Hands on new tokens and nothing else.
struct Tokens<'a>(&'a mut dyn FnMut(NewToken<'_>));

impl RequestObserver for Tokens<'_> {
    fn token(&mut self, token: NewToken<'_>) {
        (self.0)(token);
    }
}

/// Waits for devices that work in the background, so that times are those of the work.
fn wait(devices: &[Device]) {
    for (number, device) in devices.iter().enumerate() {
        if let Device::Cuda(index) = device
            && !devices[..number].contains(device)
        {
            tch::Cuda::synchronize(*index as i64);
        }
    }
}

fn to_vec(logits: &Tensor) -> Result<Vec<f32>, Error> {
    Ok(Vec::<f32>::try_from(&logits.f_to_device(Device::Cpu)?)?)
}
