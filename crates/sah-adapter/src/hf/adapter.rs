//! [`HfAdapter`]: a loaded model behind the [`ModelAdapter`] interface.

use std::rc::Rc;
use std::sync::Arc;

use sah_attention::{AutoKernel, CallSampling, Kernel, ResearchAttention, Retention};
use tch::{Device, Tensor};

use super::control::ControlTokens;
use super::prompt::{Prompt, Prompter, SpecialText, Tokenisation};
use super::trace::{AnswerTrace, PromptTokens, Trace};
use super::{
    Checkpoint, GenerationConfig, GenerationConfigUse, ModelIdentity, ModelOptions, ModelSource,
    SpecialTokensInText, TemplateIdentity, ThinkingMode, TokenizerRemark,
};
use crate::engine::{
    AnswerRules, AttentionPlan, Engine, Generated, LogitRules, QuestionTokens, RetentionPlan, RetentionSees,
    Session,
};
use crate::{
    Answer, ContextStats, Error, GenerationParams, ModelAdapter, ModelError, NewToken, Placement, Precision,
    RepetitionPenalty, Request, RequestLimits, RequestObserver, RequestResponse,
};

/// A model in memory, with its tokenizer. Several adapters can share it.
#[derive(Debug)]
pub struct LoadedModel {
    pub(super) engine: Engine,
    pub(super) checkpoint: Checkpoint,
    identity: ModelIdentity,
    notes: Vec<String>,
    control_tokens: ControlTokens,
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
        Self::load_with(source, placement, precision, &ModelOptions::default())
    }

    /// The same, with what a user says about the model beside its files.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and options that the model cannot follow.
    pub fn load_with(
        source: &ModelSource,
        placement: impl Into<Placement>,
        precision: impl Into<Precision>,
        options: &ModelOptions,
    ) -> Result<Rc<Self>, Error> {
        let _span = tracing::debug_span!("load").entered();
        let precision = precision.into();
        let checkpoint = Checkpoint::open(source, options)?;
        let placement = placement.into();
        // The files are hashed while they are read.
        let (loaded, identity) = std::thread::scope(|scope| {
            let origin = &checkpoint.origin;
            let identity = scope.spawn(|| origin.identity());
            let loaded = tch::no_grad(|| checkpoint.layers.load(&placement, precision));
            (loaded, identity.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (network, notes) = loaded?;
        let engine = Engine::new(network, precision.cache);
        let control_tokens = ControlTokens::new(&checkpoint.tokenizer, checkpoint.chat_template.as_ref())?;
        Ok(Rc::new(Self { engine, checkpoint, identity: identity?, notes, control_tokens }))
    }

    /// What was not done as the checkpoint may mean it: fields without effect, parts and tensors that are not read.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Which model this is: for `config.json` of a run.
    #[must_use]
    pub fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    /// The tokens each of which ends an answer, as the model's files name them.
    #[must_use]
    pub fn stop_tokens(&self) -> &[u32] {
        &self.checkpoint.eos_token_ids
    }

    /// The chat template that requests of [`PromptForm::Chat`](crate::PromptForm::Chat) are put in; `None` where there is
    /// none.
    #[must_use]
    pub fn chat_template(&self) -> Option<&TemplateIdentity> {
        self.checkpoint.chat_template.as_ref().map(|template| &template.identity)
    }

    /// How it thinks before it answers in requests of [`PromptForm::Chat`](crate::PromptForm::Chat). Where it does, answer prefixes
    /// are left out: they would stand before or within the thoughts.
    #[must_use]
    pub fn thinking(&self) -> &ThinkingMode {
        &self.checkpoint.thinking.mode
    }

    /// What the files of the tokenizer say and what is not done as they say it.
    #[must_use]
    pub fn tokenizer_remarks(&self) -> &[TokenizerRemark] {
        self.checkpoint.tokenizer.remarks()
    }

    /// What the model's files say about how answers are generated.
    #[must_use]
    pub fn generation_config(&self) -> &GenerationConfig {
        &self.checkpoint.generation
    }

    /// How many positions the model was made for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.engine.network.positions()
    }

    /// Keeps up to `bytes` of keys and values of contexts that were answered, those used last, instead of none. A request
    /// with such a context, of any adapter on this model, does not read it again; its
    /// [`prefill_seconds`](ContextStats::prefill_seconds) are those of the first time.
    pub fn keep_contexts(&self, bytes: usize) {
        self.engine.keep_contexts(bytes);
    }
}

/// A model with a way to attend: dense, or sparse for questions and new tokens and, with sparse prefill, for contexts.
#[derive(Debug)]
pub struct HfAdapter {
    model: Rc<LoadedModel>,
    plan: AttentionPlan,
    special_tokens: SpecialTokensInText,
    tokenisation: Tokenisation,
    generation_config: GenerationConfigUse,
}

/// Questions that are read densely may read any key of the context again.
fn dense_questions_read_all() -> Error {
    let reader = "dense attention of questions".to_owned();
    sah_attention::Error::NoEviction { reader }.into()
}

impl HfAdapter {
    /// An adapter that attends densely where `attention` is `None`. `seed` is for maskers that sample.
    #[must_use]
    pub fn new(model: Rc<LoadedModel>, attention: Option<ResearchAttention>, seed: u64) -> Self {
        let kernel = Arc::new(AutoKernel);
        let plan = AttentionPlan {
            decode: attention,
            dense_questions: false,
            prefill: None,
            kernel,
            kept: None,
            retention: None,
            seed,
            sampling: None,
        };
        Self {
            model,
            plan,
            special_tokens: SpecialTokensInText::default(),
            tokenisation: Tokenisation::default(),
            generation_config: GenerationConfigUse::default(),
        }
    }

    /// The same, with text of contexts and questions that reads as special tokens read so.
    #[must_use]
    pub fn with_special_tokens(self, special_tokens: SpecialTokensInText) -> Self {
        Self { special_tokens, ..self }
    }

    /// The same with another way to make tokens of prompts.
    #[must_use]
    pub fn with_tokenisation(self, tokenisation: Tokenisation) -> Self {
        Self { tokenisation, ..self }
    }

    /// The same with answers that follow the model's [`GenerationConfig`] or do not.
    #[must_use]
    pub fn with_generation_config(self, generation_config: GenerationConfigUse) -> Self {
        Self { generation_config, ..self }
    }

    /// The same with another kernel for all attention: dense and sparse, of contexts, questions and answers.
    ///
    /// Contexts that were [kept](LoadedModel::keep_contexts) are used whatever kernel read them.
    #[must_use]
    pub fn with_kernel(mut self, kernel: Arc<dyn Kernel>) -> Self {
        let with = |attention: ResearchAttention| attention.with_kernel(Arc::clone(&kernel));
        self.plan.decode = self.plan.decode.map(with);
        self.plan.prefill = self.plan.prefill.map(with);
        self.plan.kernel = kernel;
        self
    }

    /// Measures the attention calls that `sampling` draws, of sparse attention, and of any over what a
    /// [retention](Self::with_retention) left: [`Answer::micro_metrics`] has density and error of each,
    /// in the answers of an adapter that attends sparsely or has a retention. Errors are against dense attention over all keys of the text: what
    /// a retention drops of a context is kept aside while its questions are answered. The draws of an answer depend on `sampling`, on the tokens of
    /// context and question, on step and layer. A measured call takes the time of a dense one in addition, which counts in
    /// the answer's seconds.
    #[must_use]
    pub fn with_micro_metrics(mut self, sampling: CallSampling) -> Self {
        self.plan.sampling = Some(sampling);
        self
    }

    /// Reads contexts with the sparse attention too, instead of densely: each row its sinks and its window, whatever chunk it
    /// is in. Nothing changes for an adapter that attends densely.
    ///
    /// # Errors
    ///
    /// A masker that cannot do it: only sinks and windows of a fixed number of keys can; and an adapter with a
    /// [retention](Self::with_retention).
    pub fn with_sparse_prefill(mut self) -> Result<Self, Error> {
        if self.plan.retention.is_some() {
            return Err(Error::RetentionNeedsContext);
        }
        self.plan.prefill = self.plan.decode.as_ref().map(ResearchAttention::for_prefill).transpose()?;
        Ok(self)
    }

    /// Reads contexts with `attention`, whatever questions and answers attend with: all keys stay in the cache.
    ///
    /// # Errors
    ///
    /// A masker that [cannot](sah_attention::Masker::for_prefill) do it; and an adapter with a [retention](Self::with_retention).
    pub fn with_prefill(mut self, attention: &ResearchAttention) -> Result<Self, Error> {
        if self.plan.retention.is_some() {
            return Err(Error::RetentionNeedsContext);
        }
        self.plan.prefill = Some(attention.for_prefill()?);
        Ok(self)
    }

    /// Reads questions densely, so that only new tokens after the first attend sparsely. Nothing changes for an adapter that attends
    /// densely.
    ///
    /// # Errors
    ///
    /// An adapter that [evicts](Self::with_eviction): a dense question would read keys that are gone.
    pub fn with_dense_questions(mut self) -> Result<Self, Error> {
        if self.plan.kept.is_some() {
            return Err(dense_questions_read_all());
        }
        self.plan.dense_questions = true;
        Ok(self)
    }

    /// Evicts from the KV cache the keys that attention never reads again: those of the context once it is read, or, with
    /// [sparse prefill](Self::with_sparse_prefill), while it is read, and those of question and answer as these grow.
    ///
    /// Answers stay the same. A call's error against dense attention cannot be
    /// [measured](Self::with_micro_metrics) any more.
    ///
    /// # Errors
    ///
    /// Attention that may read any key again: dense attention, of questions, too, and every masker but sinks and windows of a fixed
    /// number of keys; an adapter with a [retention](Self::with_retention); and a cache that
    /// [packs](sah_attention::KvFormat::packs) keys in groups.
    pub fn with_eviction(mut self) -> Result<Self, Error> {
        let format = self.model.engine.cache_format;
        if format.packs() {
            return Err(Error::EvictionOfGroups { format });
        }
        let Some(attention) = &self.plan.decode else {
            let reader = "dense attention".to_owned();
            return Err(sah_attention::Error::NoEviction { reader }.into());
        };
        self.plan.kept = Some(attention.kept_keys()?);
        if self.plan.retention.is_some() {
            return Err(Error::RetentionNeedsContext);
        }
        if self.plan.dense_questions {
            return Err(dense_questions_read_all());
        }
        Ok(self)
    }

    /// Drops keys of every context for good once it is read, and with [`RetentionSees::Question`] of each question's text, too. Answers
    /// and what stands between question and answer keep all of their keys, and so do layers with a sliding window that a context is
    /// longer than.
    ///
    /// # Errors
    ///
    /// An adapter that reads contexts sparsely or [evicts](Self::with_eviction): a retention chooses among all keys of a context; a
    /// retention that was made for another model; and keys that go while an answer grows in a cache that
    /// [packs](sah_attention::KvFormat::packs) them in groups.
    pub fn with_retention(mut self, retention: Retention, sees: RetentionSees) -> Result<Self, Error> {
        if self.plan.prefill.is_some() || self.plan.kept.is_some() {
            return Err(Error::RetentionNeedsContext);
        }
        let format = self.model.engine.cache_format;
        if retention.every().is_some() && format.packs() {
            return Err(Error::EvictionOfGroups { format });
        }
        let shape = self.model.engine.network.cache_shape();
        let kv_heads: Vec<usize> = shape.layers.iter().map(|layer| layer.kv_heads as usize).collect();
        retention.check(&kv_heads)?;
        self.plan.retention = Some(RetentionPlan { retention, sees });
        Ok(self)
    }

    /// The tokens that [`ModelAdapter::process_request`] would read, however long they are. Nothing goes through the model.
    ///
    /// # Errors
    ///
    /// A chat template or a tokenizer that fails, and a question without any token.
    pub fn tokenise(&self, request: &Request, limits: &RequestLimits) -> Result<PromptTokens, Error> {
        let params = GenerationParams::default();
        let prompt = self.prompt(request, &params, limits)?;
        Ok(PromptTokens {
            context_ids: prompt.context,
            truncated_tokens: prompt.truncated,
            border_tokens: prompt.border,
            question_ids: prompt.questions.into_iter().map(|question| question.ids).collect(),
        })
    }

    /// Like [`ModelAdapter::process_request`], with the tokens of context, questions and answers.
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

    fn prompt(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<Prompt, Error> {
        let LoadedModel { checkpoint, control_tokens, .. } = &*self.model;
        let plan = self.plan.retention.as_ref();
        let prompter = Prompter {
            tokenizer: &checkpoint.tokenizer,
            chat_template: checkpoint.chat_template.as_ref(),
            thinking: &checkpoint.thinking,
            special: SpecialText { tokens: control_tokens, read: self.special_tokens },
            tokenisation: self.tokenisation,
            marks_seen: plan.is_some_and(|plan| plan.sees == RetentionSees::Question),
        };
        let mut prompt = prompter.prompt(request, generation, limits)?;
        if plan.is_some_and(|plan| plan.retention.needs().repetition.is_some()) {
            prompt.repeat = prompter.repeat_tokens(request.form)?;
        }
        Ok(prompt)
    }

    /// Fails where the model has too few positions for the prompt, or for what a retention reads after its context.
    fn check_length(&self, prompt: &Prompt) -> Result<(), Error> {
        let positions = self.model.positions();
        prompt.check_length(positions)?;
        let retention = self.plan.retention.as_ref().map(|plan| &plan.retention);
        let Some(repetition) = retention.and_then(|retention| retention.needs().repetition) else {
            return Ok(());
        };
        let seen = prompt.questions.iter().map(|question| question.seen).max().unwrap_or_default();
        let context = prompt.context.len() + seen;
        let pass = prompt.repeat.longest_pass(repetition, context);
        if context + pass > positions {
            return Err(Error::RepetitionTooLong { context, pass, positions });
        }
        Ok(())
    }

    fn process(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        observer: &mut dyn RequestObserver,
    ) -> Result<(RequestResponse, Trace), Error> {
        let _span = tracing::debug_span!("request", questions = request.questions.len()).entered();
        let LoadedModel { engine, checkpoint, .. } = &*self.model;
        let prompt = self.prompt(request, generation, limits)?;
        if !limits.ignore_positions {
            self.check_length(&prompt)?;
        }
        let mut session = Session::prefill(engine, &self.plan, prompt.tokens(), observer)?;
        let rules = AnswerRules {
            detokenizer: &checkpoint.tokenizer,
            eos: if generation.ignore_eos { &[] } else { &checkpoint.eos_token_ids },
            logits: &self.logit_rules(generation),
            params: generation,
            thoughts: checkpoint.thinking.marks,
        };
        let generated = session.answer(rules, &mut |token| observer.token(token))?;
        let figures = session.figures();
        let context = ContextStats {
            tokens: prompt.context.len(),
            truncated_tokens: prompt.truncated,
            special_tokens: prompt.special_tokens,
            border_tokens: prompt.border,
            prefill_seconds: session.prefill_seconds(),
            kept: figures.kept,
            kept_keys: figures.kept_keys.clone(),
            cache_bytes: figures.bytes,
            peak_cache_bytes: figures.peak,
        };
        session.close();
        let pairs = prompt.questions.into_iter().zip(generated);
        let answers: Result<Vec<_>, Error> =
            pairs.map(|(question, generated)| with_tokens(question, generated)).collect();
        let (answers, tokens) = answers?.into_iter().unzip();
        let trace = Trace { context_ids: prompt.context, answers: tokens };
        Ok((RequestResponse { answers, context }, trace))
    }

    /// What is done to logits: what the model's generation config says, where `generation` does not say otherwise.
    fn logit_rules(&self, generation: &GenerationParams) -> LogitRules {
        let mut rules = match self.generation_config {
            GenerationConfigUse::Apply => self.model.checkpoint.generation.rules.clone(),
            GenerationConfigUse::Ignore => LogitRules::default(),
        };
        if let Some(penalty) = generation.repetition_penalty {
            rules.repetition_penalty = Some(penalty).filter(|&penalty| penalty != RepetitionPenalty::NONE);
        }
        rules
    }
}

/// An answer and its tokens.
fn with_tokens(question: QuestionTokens, generated: Generated) -> Result<(Answer, AnswerTrace), Error> {
    let Generated { ids, text, thoughts, first_logits, stats, micro_metrics } = generated;
    let first_logits = first_logits.as_ref().map(to_vec).transpose()?.unwrap_or_default();
    let trace = AnswerTrace { question_ids: question.ids, generated_ids: ids, first_logits };
    Ok((Answer { text, thoughts, stats, micro_metrics }, trace))
}

impl ModelAdapter for HfAdapter {
    fn process_request(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
    ) -> Result<RequestResponse, ModelError> {
        self.process_observed(request, generation, limits, &mut ())
    }

    fn process_observed(
        &self,
        request: &Request,
        generation: &GenerationParams,
        limits: &RequestLimits,
        observer: &mut dyn RequestObserver,
    ) -> Result<RequestResponse, ModelError> {
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

fn to_vec(logits: &Tensor) -> Result<Vec<f32>, Error> {
    Ok(Vec::<f32>::try_from(&logits.f_to_device(Device::Cpu)?)?)
}
