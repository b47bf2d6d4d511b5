//! `cargo xtask bench NAME`: flags that every benchmark has.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, ValueEnum};
use sah_adapter::ChatTemplateOptions;
use sah_request::Truncation;

use super::{
    AttentionArgs, ExecutionArgs, ModelsArgs, SamplingArgs, SpecialTokensArgs, TemplateArgs, TokeniseArgs,
};
use crate::usage::UsageError;

/// Flags of every benchmark.
#[derive(Debug, Args)]
pub(crate) struct BenchmarkArgs {
    /// Read options from a TOML or JSON file: a key is a flag's name without its dashes (`max-samples = 2`), and means the same.
    /// An option on the command line replaces the same one in the file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Go on with the run in `RUN_DIR`, which was cut off, by the options that it was started with: what is answered stays,
    /// what is missing or failed is done. Beside it only options under "Execution", `--threads` and `--device` can be given
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "config")]
    pub(crate) resume: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) models: ModelsArgs,

    #[command(flatten)]
    pub(crate) attention: AttentionArgs,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) prompts: PromptArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) execution: ExecutionArgs,
}

impl BenchmarkArgs {
    /// Whether cells are done by processes of their own.
    pub(crate) fn is_matrix(&self) -> bool {
        let execution = &self.execution;
        let watched = execution.jobs.is_some() || execution.timeout.is_some() || self.models.device.len() > 1;
        let is_whole = execution.cell.is_none() && !execution.worker;
        is_whole && (self.models.model.len() > 1 || watched || self.output.shards.is_some())
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// Subsets to run; all by default
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub(crate) subsets: Option<Vec<String>>,

    /// Only the first N rows of each subset: for a quick look
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_samples: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Prompts")]
pub(crate) struct PromptArgs {
    /// Its values and its help are those of the benchmark
    #[arg(long, default_value = "always", value_name = "WHEN|FILE", value_parser = StringValueParser::new().map(ChatTemplateArg::AsAuthors))]
    pub(crate) chat_template: ChatTemplateArg,

    /// The same as `--chat-template never`: for models that were not made for conversations
    #[arg(long, conflicts_with = "chat_template")]
    pub(crate) no_chat_template: bool,

    #[command(flatten)]
    pub(crate) template: TemplateArgs,

    #[command(flatten)]
    pub(crate) special: SpecialTokensArgs,

    #[command(flatten)]
    pub(crate) tokens: TokeniseArgs,
}

impl PromptArgs {
    /// What both flags ask for.
    pub(crate) fn mode(&self) -> ChatTemplateArg {
        if self.no_chat_template { ChatTemplateArg::Never } else { self.chat_template.clone() }
    }

    /// Which template, with which values for its variables.
    pub(crate) fn template(&self) -> Result<ChatTemplateOptions, UsageError> {
        let file = match self.mode() {
            ChatTemplateArg::File(path) => Some(path),
            _ => None,
        };
        self.template.options(file)
    }
}

/// `--chat-template`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatTemplateArg {
    Always,
    Never,
    /// By the rule of the benchmark's authors, of this name.
    AsAuthors(String),
    /// Always, with the template in this file.
    File(PathBuf),
}

/// Reads `--chat-template` of a benchmark whose authors have a rule of this name, if they have one.
#[derive(Clone)]
pub(super) struct ChatTemplateParser {
    pub(super) rule: Option<&'static str>,
}

impl ChatTemplateParser {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        ["always", "never"].into_iter().chain(self.rule)
    }

    fn parse(&self, text: String) -> Result<ChatTemplateArg, String> {
        match text.as_str() {
            "always" => Ok(ChatTemplateArg::Always),
            "never" => Ok(ChatTemplateArg::Never),
            name if self.rule == Some(name) => Ok(ChatTemplateArg::AsAuthors(text)),
            path if Path::new(path).is_file() => Ok(ChatTemplateArg::File(text.into())),
            _ => {
                let names: Vec<&str> = self.names().collect();
                Err(format!("expected {}, or a file that exists", names.join(", ")))
            }
        }
    }
}

impl TypedValueParser for ChatTemplateParser {
    type Value = ChatTemplateArg;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<ChatTemplateArg, clap::Error> {
        let parser = self.clone();
        let parser = StringValueParser::new().try_map(move |text| parser.parse(text));
        parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names().map(PossibleValue::new)))
    }
}

impl ChatTemplateArg {
    /// As on the command line.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::AsAuthors(name) => name,
            Self::File(_) => "file",
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// At most N new tokens for each answer, instead of the limit that each row has; `authors` for those that the benchmark's
    /// authors give its tasks. Change it to compare with scores that were made so, or for a quick look
    #[arg(long, alias = "max-new-tokens", value_name = "N|authors")]
    pub(crate) answer_tokens: Option<AnswerTokensArg>,

    /// Cut contexts to N tokens. Needed where a context is longer than the model's positions; scores of a cut context
    /// compare only with scores of the same cut
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_context_length: Option<u32>,

    /// Keep up to GIB of keys and values of contexts that were read, so that an attention does not read again what one before
    /// it has read. Scores do not change. Peak memory does, and the time of a prefill is that of the first attention
    #[arg(long, value_name = "GIB", default_value_t = 0.0, value_parser = gibibytes)]
    pub(crate) keep_contexts: f64,

    /// Which part of a context that is too long stays: its `head` as in the reference, or head and tail without the
    /// `middle` as benchmarks' authors do
    #[arg(long, value_enum, default_value = "head")]
    pub(crate) truncation: TruncationArg,

    /// Seed of everything random. Greedy decoding and `streaming_llm` draw nothing, so it only matters to sampled tokens
    /// and to maskers that sample
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,

    /// Answer every row K times, each time with other random numbers: scores are means over all answers, intervals are of rows,
    /// and where answers are right or wrong there is pass@k, too. For tokens drawn at random (`--temperature`) and maskers that
    /// sample. A context is still read once
    #[arg(long, value_name = "K", default_value = "1")]
    pub(crate) repeats: NonZeroUsize,
}

/// `--answer-tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerTokensArg {
    /// The same for all rows.
    Every(NonZeroUsize),
    /// Those of the benchmark's authors.
    Authors,
}

impl FromStr for AnswerTokensArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "authors" => Ok(Self::Authors),
            number => {
                let number = number.parse().map(Self::Every);
                number.map_err(|_| "expected a number of tokens, 1 or more, or authors".to_owned())
            }
        }
    }
}

impl LimitArgs {
    /// The limit that all rows have in place of their own.
    pub(crate) fn of_every_answer(&self) -> Option<usize> {
        match self.answer_tokens {
            Some(AnswerTokensArg::Every(limit)) => Some(limit.get()),
            Some(AnswerTokensArg::Authors) | None => None,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TruncationArg {
    Head,
    Middle,
}

impl From<TruncationArg> for Truncation {
    fn from(argument: TruncationArg) -> Self {
        match argument {
            TruncationArg::Head => Self::Head,
            TruncationArg::Middle => Self::Middle,
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Where runs leave their folders
    #[arg(long, default_value = "./benchmark_results", value_name = "DIR")]
    pub(crate) result_dir: PathBuf,

    /// Share of the attention calls to measure, from 0 to 1, where attention is sparse or a retention dropped keys: density and
    /// error against dense attention over all keys, for each head, to `micro_metrics.jsonl` and `.parquet`. A measured call computes
    /// dense attention too, which counts in the times: leave it out where speed matters; 0.01 is enough for means
    #[arg(long, default_value_t = 0.0, value_name = "RATE", value_parser = rate)]
    pub(crate) micro_metrics: f64,

    /// Divide each cell (a model with an attention) into N parts of whole contexts, which processes may do at the same time; what
    /// comes of them together is that of an undivided run. For large cells on several machines or devices
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<NonZeroUsize>,

    /// Name of the run's folder; the time of its start by default. A name that was used already is refused
    #[arg(long, value_name = "NAME")]
    pub(crate) run_name: Option<String>,
}

fn gibibytes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.0..=1e6).contains(&value) => Ok(value),
        _ => Err("must be a number of GiB, 0 or more".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}
