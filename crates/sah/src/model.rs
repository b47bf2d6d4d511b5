//! Loading the model that the command line names.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use sah_adapter::{
    ChatTemplateOptions, ConfigOverrides, LoadedModel, ModelError, ModelOptions, ModelSource, ModelTokenizer,
    SpecialTokensInText, TemplateIdentity, TokenCount, Tokenisation,
};

use crate::args::{DEFAULT_MODEL, ModelArgs};
use crate::device;
use crate::download::Bars;
use crate::usage::UsageError;

/// Where `--model` and `--revision` point to. Looks at the disk but loads nothing, so that mistakes are found at once.
pub(crate) fn source(model: &str, revision: Option<&str>) -> anyhow::Result<ModelSource> {
    let source = if model == DEFAULT_MODEL {
        let path = std::env::var_os("SAH_DEFAULT_MODEL").map(PathBuf::from);
        let path =
            path.with_context(|| format!("{DEFAULT_MODEL} is found only when started as cargo xtask"))?;
        ensure!(path.exists(), "{DEFAULT_MODEL} is not fetched yet: run cargo xtask setup");
        ModelSource::Gguf(path)
    } else {
        ModelSource::parse(model)?
    };
    at_revision(source, revision)
}

/// `source`, at the revision that `--revision` names.
pub(crate) fn at_revision(source: ModelSource, revision: Option<&str>) -> anyhow::Result<ModelSource> {
    let Some(revision) = revision else { return Ok(source) };
    source.at_revision(revision).map_err(|error| UsageError(format!("--revision: {error}")).into())
}

/// Fetches what is missing of a model on a hub and fixes the commit. Nothing to do for paths.
pub(crate) fn fetch(source: &ModelSource) -> anyhow::Result<ModelSource> {
    Ok(source.fetch(&mut Bars::default())?)
}

/// What a run does with prompts, as far as it matters to how long they are.
#[derive(Clone, Debug)]
pub(crate) struct PromptLengths {
    /// What is said of the chat template that prompts are put in; `None` where they are put in none.
    pub(crate) template: Option<ChatTemplateOptions>,
    pub(crate) special_tokens: SpecialTokensInText,
    pub(crate) tokenisation: Tokenisation,
    /// The room for thoughts beside each answer.
    pub(crate) thinking_tokens: usize,
    /// The limit on new tokens of all answers, where it is not that of each row.
    pub(crate) answer_tokens: Option<usize>,
    /// What is used instead of the model's config; `None` where contexts are cut, so that they may be of any length.
    pub(crate) config: Option<ConfigOverrides>,
}

/// Counts tokens of a model, whose tokenizer is read when the first text is to be counted: most benchmarks never do.
#[derive(Debug)]
pub(crate) struct TokensOf<'a> {
    source: &'a ModelSource,
    lengths: PromptLengths,
    tokenizer: OnceLock<ModelTokenizer>,
    /// Held by the thread that reads it.
    reads: Mutex<()>,
}

impl<'a> TokensOf<'a> {
    pub(crate) fn new(source: &'a ModelSource, lengths: PromptLengths) -> Self {
        Self { source, lengths, tokenizer: OnceLock::new(), reads: Mutex::default() }
    }

    fn tokenizer(&self) -> Result<&ModelTokenizer, ModelError> {
        if let Some(tokenizer) = self.tokenizer.get() {
            return Ok(tokenizer);
        }
        let _reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tokenizer) = self.tokenizer.get() {
            return Ok(tokenizer);
        }
        let tokenizer = match &self.lengths.template {
            Some(options) => ModelTokenizer::open_with(self.source, options)?,
            None => ModelTokenizer::open(self.source)?.without_template(),
        };
        let PromptLengths { special_tokens, tokenisation, .. } = self.lengths;
        let tokenizer = tokenizer.with_special_tokens(special_tokens).with_tokenisation(tokenisation);
        Ok(self.tokenizer.get_or_init(|| tokenizer))
    }
}

impl TokenCount for TokensOf<'_> {
    fn count(&self, text: &str) -> Result<usize, ModelError> {
        self.tokenizer()?.count(text)
    }

    fn count_prompt(&self, context: &str, question: &str, answer_prefix: &str) -> Result<usize, ModelError> {
        self.tokenizer()?.count_prompt(context, question, answer_prefix)
    }

    /// A lower limit leaves room: rows stay those of the published one.
    fn answer_room(&self, limit: usize) -> usize {
        self.lengths.answer_tokens.map_or(limit, |given| given.max(limit)) + self.lengths.thinking_tokens
    }

    fn positions(&self) -> Result<Option<usize>, ModelError> {
        let config = self.lengths.config.as_ref();
        config.map(|config| self.source.positions(config).map_err(ModelError::new)).transpose()
    }
}

/// Loads the model to its device.
pub(crate) fn load(
    args: &ModelArgs,
    source: &ModelSource,
    options: &ModelOptions,
) -> anyhow::Result<Rc<LoadedModel>> {
    let placement = args.place.device.placement()?;
    device::touch(&placement)?;
    let devices = device::names(&placement);
    let started = Instant::now();
    let model = LoadedModel::load_with(source, placement, args.precision.precision(), options)?;
    let identity = model.identity();
    tracing::info!(
        "{} ({}, {} on {}), loaded in {:.1} s",
        identity.name,
        identity.architecture,
        args.precision.name(),
        devices,
        started.elapsed().as_secs_f64()
    );
    if let Some(template) =
        model.chat_template().filter(|_| options.chat_template != ChatTemplateOptions::default())
    {
        tracing::info!("{}", describe(template));
    }
    Ok(model)
}

/// A template and the values for its variables, in a line.
fn describe(template: &TemplateIdentity) -> String {
    let arguments = template.arguments.iter().map(|(name, value)| format!(" {name}={value}"));
    let arguments: String = arguments.collect();
    let with = if arguments.is_empty() { "" } else { " with" };
    format!("chat template of {}{with}{arguments}", template.file)
}

/// Says what is not done as the files of the model and of its tokenizer may mean it. A benchmark has it in its results too.
pub(crate) fn say_notes(model: &LoadedModel) {
    for note in model.notes() {
        tracing::warn!("{note}");
    }
    for remark in model.tokenizer_remarks() {
        tracing::warn!("{remark}");
    }
}
