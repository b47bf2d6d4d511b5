//! What is to be run: models with attentions on rows.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use sah_adapter::ModelSource;
use sah_bench_core::{Benchmark, Error, Sample, Warning, WarningKind, load_samples, select_subsets};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::App;
use crate::args::{
    AnswerTokensArg, BenchOptions, BenchmarkArgs, BenchmarkCommand, ChatTemplateArg, ModelArgs, PromptArgs,
};
use crate::attention::{self, NamedAttention};
use crate::benchmarks::{BenchmarkEntry, DataOrigin, Opened};
use crate::model::{PromptLengths, TokensOf};
use crate::resume;
use crate::usage::UsageError;

/// Everything that is known before a model is loaded.
pub(super) struct Plan<'a> {
    pub(super) args: &'a BenchmarkArgs,
    /// The options as they were given.
    pub(super) options: &'a BenchOptions,
    pub(super) benchmark: Box<dyn Benchmark>,
    pub(super) data: DataOrigin,
    /// What the benchmark has to say before the run begins.
    pub(super) note: Option<String>,
    /// What is known already and makes scores mean something else than they seem to.
    pub(super) warnings: Vec<Warning>,
    pub(super) subsets: Vec<String>,
    /// Where they depend on the tokenizer: those of the first model.
    pub(super) samples: Vec<Sample>,
    /// Those of the run; with `--cell` only that one is done.
    pub(super) attentions: Vec<NamedAttention>,
    /// One at least.
    pub(super) models: Vec<ModelRun>,
    /// The folder of the run.
    pub(super) path: PathBuf,
    /// The folder that `--resume` is given to go on: that of the run, or of the run of several benchmarks which it is part of.
    pub(super) whole: PathBuf,
}

/// A model of a run. Its folder is that of a run of this model alone.
#[derive(Debug)]
pub(super) struct ModelRun {
    pub(super) args: ModelArgs,
    pub(super) source: ModelSource,
    pub(super) result_dir: PathBuf,
    pub(super) run_name: String,
}

impl ModelRun {
    /// The folder that has those of its attentions.
    pub(super) fn path(&self) -> PathBuf {
        self.result_dir.join(&self.run_name)
    }
}

impl<'a> Plan<'a> {
    /// Checks what can be checked, and loads the rows.
    pub(super) fn new(app: &App, command: &'a BenchmarkCommand) -> anyhow::Result<Self> {
        let BenchmarkCommand { benchmark, options, args, matches } = command;
        let attentions = attention::named(app, &args.attention, &["dense", "streaming_llm"])?;
        args.models.precision.check_eviction(args.attention.evict, &attentions)?;
        if args.attention.evict && args.output.micro_metrics > 0.0 {
            bail!(UsageError(
                "--micro-metrics with --evict: errors are against dense attention, for which no key may be evicted; leave \
                 out one of the two"
                    .to_owned()
            ));
        }
        let grows = |attention: &NamedAttention| {
            attention.retention.as_ref().is_some_and(|retention| retention.config.every.is_some())
        };
        if attentions.iter().any(grows) && args.output.micro_metrics > 0.0 {
            bail!(UsageError(
                "--micro-metrics with a retention that has `every`: errors are against dense attention over all keys, and those \
                 of answers are gone; leave out one of the two"
                    .to_owned()
            ));
        }
        if let Some(cell) = &args.execution.cell
            && attentions.iter().all(|attention| &attention.name != cell)
        {
            bail!(UsageError(format!("--cell {cell}: the run has no such attention")));
        }
        let entry = app.benchmarks.find(benchmark)?;
        let Opened { benchmark, data, note, mut warnings } = entry.open(matches)?;
        let subsets = select_subsets(&*benchmark, args.data.subsets.as_deref())?;
        check_template(&args.prompts, &*benchmark, &subsets)?;
        let run_name = args.output.run_name.clone().map_or_else(time_as_name, Ok)?;
        let models = models(app, args, &run_name)?;
        ensure!(
            args.execution.cell.is_none() || models.len() == 1,
            UsageError("--cell is for the folder of one model; name that with --resume".to_owned())
        );
        if let Some(shard) = args.execution.shard
            && Some(shard.count()) != args.output.shards
        {
            let shards = args
                .output
                .shards
                .map_or_else(|| "not divided".to_owned(), |count| format!("divided into {count}"));
            bail!(UsageError(format!("--shard {shard}: the run is {shards}; start it with --shards")));
        }
        if let (Some(cell), Some(count), None) =
            (&args.execution.cell, args.output.shards, args.execution.shard)
        {
            bail!(UsageError(format!(
                "--cell {cell}: the run is divided into {count}; add --shard I/{count}"
            )));
        }
        ensure!(
            args.output.shards.is_none() || args.limits.keep_contexts == 0.0,
            UsageError(
                "--keep-contexts with --shards: parts are done by processes that share no contexts"
                    .to_owned()
            )
        );
        let max_samples = args.data.max_samples.and_then(|n| NonZeroUsize::new(n as usize));
        let tokens = TokensOf::new(&models[0].source, prompt_lengths(args, &models[0].args)?);
        let mut samples = load_samples(&*benchmark, &subsets, max_samples, &tokens)
            .map_err(|error| with_remedy(entry, error))?;
        warnings.extend(benchmark.warnings(&samples));
        if args.limits.answer_tokens.is_some() {
            let is_of_limits =
                |kind| matches!(kind, WarningKind::LimitsAboveAuthors | WarningKind::LimitsBelowAuthors);
            warnings.retain(|warning| !is_of_limits(warning.kind));
        }
        if args.limits.answer_tokens == Some(AnswerTokensArg::Authors) {
            take_authors_limits(&*benchmark, &mut samples)?;
        }
        let path = args.output.result_dir.join(&run_name);
        Ok(Self {
            args,
            options,
            benchmark,
            data,
            note,
            warnings,
            subsets,
            samples,
            attentions,
            models,
            whole: path.clone(),
            path,
        })
    }

    /// How many rows each cell has: the answers to all samples.
    pub(super) fn rows(&self) -> usize {
        self.samples.len() * self.args.limits.repeats.get()
    }

    /// As part of the run of several benchmarks in the folder `whole`.
    pub(super) fn part_of(self, whole: &Path) -> Self {
        Self { whole: whole.to_path_buf(), ..self }
    }

    /// Whether cells are done by processes of their own.
    pub(super) fn is_matrix(&self) -> bool {
        self.args.is_matrix()
    }

    /// Keeps the options in the folder of the run, and of each of its models those of a run of that model alone.
    pub(super) fn keep_options(&self) -> anyhow::Result<()> {
        let options = self.options;
        let benchmark = self.benchmark.name();
        resume::keep_options(&self.path, benchmark, options)?;
        if self.models.len() > 1 {
            for model in &self.models {
                let of_one = options.clone().without(&["jobs"]).with("model", &model.args.place.model);
                resume::keep_options(&model.path(), benchmark, &of_one)?;
            }
        }
        Ok(())
    }
}

/// What `args` say of how long prompts and answers are.
fn prompt_lengths(args: &BenchmarkArgs, model: &ModelArgs) -> anyhow::Result<PromptLengths> {
    let PromptArgs { template, special, tokens, .. } = &args.prompts;
    Ok(PromptLengths {
        template: match args.prompts.mode() {
            ChatTemplateArg::Never => None,
            ChatTemplateArg::Always | ChatTemplateArg::AsAuthors(_) | ChatTemplateArg::File(_) => {
                Some(args.prompts.template()?)
            }
        },
        special_tokens: special.special_tokens.into(),
        tokenisation: tokens.tokenise.into(),
        thinking_tokens: template.thinking_tokens()?,
        answer_tokens: args.limits.of_every_answer(),
        config: args.limits.max_context_length.is_none().then(|| model.config.overrides()),
    })
}

/// An error where something is said of a chat template that no prompt is put in.
fn check_template(
    prompts: &PromptArgs,
    benchmark: &dyn Benchmark,
    subsets: &[String],
) -> Result<(), UsageError> {
    prompts.template.thinking_tokens()?;
    let (Some(option), mode) = (prompts.template.first_option(), prompts.mode()) else { return Ok(()) };
    let unused = match &mode {
        ChatTemplateArg::Never => true,
        ChatTemplateArg::AsAuthors(_) => subsets.iter().all(|subset| benchmark.is_plain(subset)),
        ChatTemplateArg::Always | ChatTemplateArg::File(_) => false,
    };
    if unused {
        let mode = mode.name();
        return Err(UsageError(format!(
            "{option} has no effect: with --chat-template {mode} no prompt is put in a chat template"
        )));
    }
    Ok(())
}

/// Gives each row the limit on new tokens that the benchmark's authors give its task.
fn take_authors_limits(benchmark: &dyn Benchmark, samples: &mut [Sample]) -> Result<(), UsageError> {
    for sample in samples {
        let limit = benchmark.authors_limit(&sample.task);
        sample.max_new_tokens = limit.ok_or_else(|| {
            let (benchmark, task) = (benchmark.name(), &sample.task);
            UsageError(format!(
                "--answer-tokens authors: the authors of {benchmark} give {task} no limit; write a number"
            ))
        })?;
    }
    Ok(())
}

/// The error with what the benchmark's entry knows against it.
fn with_remedy(entry: &dyn BenchmarkEntry, error: Error) -> Error {
    match error {
        Error::Data(error) => Error::Data(match entry.remedy(error.inner()) {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }),
        error => error,
    }
}

/// The models with their folders: one has the folder of the run, several have folders in it.
fn models(app: &App, args: &BenchmarkArgs, run_name: &str) -> anyhow::Result<Vec<ModelRun>> {
    let flags = &args.models;
    ensure!(
        flags.revision.is_none() || flags.model.len() == 1,
        UsageError("--revision with several models: write org/name@REV for each instead".to_owned())
    );
    let mut models: Vec<ModelRun> = Vec::new();
    for name in &flags.model {
        let (result_dir, run_name) = match flags.model.len() {
            1 => (args.output.result_dir.clone(), run_name.to_owned()),
            _ => (args.output.result_dir.join(run_name), folder_name(name)),
        };
        if let Some(other) = models.iter().find(|model| model.run_name == run_name) {
            let other = &other.args.place.model;
            bail!(UsageError(format!("--model {other} and {name} would share the result folder {run_name}")));
        }
        let source = app.source(name, flags.revision.as_deref())?;
        models.push(ModelRun { args: flags.one(name), source, result_dir, run_name });
    }
    Ok(models)
}

/// The folder of a model: of a path its last part, of a hub id both with `_` between them.
fn folder_name(model: &str) -> String {
    let path = Path::new(model);
    let name = if path.exists() {
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        stem.map_or_else(|| model.to_owned(), |stem| stem.to_string_lossy().into_owned())
    } else {
        model.to_owned()
    };
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let name: String = name.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "model".to_owned() } else { name.to_owned() }
}

/// The time in UTC, as the name of a folder: `2026-01-31_12-30-00`.
pub(crate) fn time_as_name() -> anyhow::Result<String> {
    let format = format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]");
    Ok(OffsetDateTime::now_utc().format(format)?)
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn a_model_has_a_folder_of_its_name() {
        assert_eq!(folder_name("smollm2-135m-instruct"), "smollm2-135m-instruct");
        assert_eq!(folder_name("meta-llama/Llama-3.2-1B@v1"), "meta-llama_Llama-3.2-1B_v1");
        assert_eq!(folder_name("../.hidden model"), "_.hidden_model");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        assert_eq!(folder_name(folder), "src");
        assert_eq!(folder_name(&format!("{folder}/main.rs")), "main");
        assert_eq!(folder_name(".."), "model");
    }
}
