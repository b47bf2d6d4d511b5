//! `cargo xtask generate`, `score` and `doctor`.

use std::path::PathBuf;

use clap::{ArgMatches, Args};

use super::{
    AttentionArgs, ModelArgs, ModelConfigArgs, SamplingArgs, SpecialTokensArgs, TemplateArgs, TokeniseArgs,
};
use crate::benchmarks::PredictionScorer;

/// Flags of `generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    #[command(flatten)]
    pub(crate) attention: AttentionArgs,

    /// File with the context, UTF-8 text; `-` reads it from standard input. Without it there is only the question
    #[arg(long, value_name = "FILE")]
    pub(crate) context_file: Option<PathBuf>,

    /// The question. Give it several times to ask several about one context, which is then read once
    #[arg(long, required = true, value_name = "TEXT")]
    pub(crate) question: Vec<String>,

    /// How the answer begins
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) answer_prefix: String,

    /// Give context and question as they are, without the model's chat template: for models that were not made for
    /// conversations
    #[arg(long, conflicts_with_all = ["chat_template", "template_arg", "thinking"])]
    pub(crate) no_chat_template: bool,

    #[command(flatten)]
    pub(crate) tokens: TokeniseArgs,

    /// The chat template in FILE instead of the model's own
    #[arg(long, value_name = "FILE")]
    pub(crate) chat_template: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) template: TemplateArgs,

    #[command(flatten)]
    pub(crate) special: SpecialTokensArgs,

    /// At most N new tokens for each answer
    #[arg(long, visible_alias = "max-new-tokens", default_value_t = 64, value_name = "N")]
    pub(crate) answer_tokens: usize,

    /// Cut the context to N tokens
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_context_length: Option<u32>,

    /// Which part of a context that is too long stays; its `head` by default
    #[arg(long, value_enum)]
    pub(crate) truncation: Option<super::TruncationArg>,

    /// Seed of everything random: sampled tokens, and maskers that sample; 42 by default
    #[arg(long)]
    pub(crate) seed: Option<u64>,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
}

/// Flags of a model that is loaded for several commands.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// The chat template in FILE instead of the model's own
    #[arg(long, value_name = "FILE")]
    pub(crate) chat_template: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) template: TemplateArgs,
}

/// Flags of `retentions`.
#[derive(Debug, Args)]
pub(crate) struct RetentionsArgs {
    /// Only this rule
    #[arg(value_name = "RULE")]
    pub(crate) name: Option<String>,
}

/// `score NAME`.
#[derive(Debug)]
pub(crate) struct ScoreCommand {
    /// That of the benchmark.
    pub(crate) scorer: PredictionScorer,
    pub(crate) args: ScoreArgs,
    /// What clap made of them, for the flags that only this benchmark has.
    pub(crate) matches: ArgMatches,
}

/// Flags of `score NAME`.
#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Its help is that of the benchmark
    #[arg(long, value_name = "PATH")]
    pub(crate) predictions: PathBuf,

    /// Score predictions with the thoughts in them (`<think>...</think>`, and the tags of other published models). Without this
    /// flag and the next one a prediction is what follows its thoughts, unless more than half of the predictions with thoughts
    /// have nothing but their beginning: then their limit was for thoughts, too, and so were published scores of them
    #[arg(long, conflicts_with = "cut_thoughts")]
    pub(crate) keep_thoughts: bool,

    /// Score what follows the thoughts in predictions; nothing follows those without an end
    #[arg(long)]
    pub(crate) cut_thoughts: bool,

    /// Also write the scores to this file, unrounded by the table
    #[arg(long, value_name = "OUT")]
    pub(crate) json: Option<PathBuf>,
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The model: a hub id (`org/name`), a folder in Hugging Face form, or a GGUF file; or a config.json alone
    #[arg(value_name = "ID|DIR|FILE.gguf|FILE.json")]
    pub(crate) model: String,

    /// Which revision of a hub id: a branch, a tag or a commit; `main` by default
    #[arg(long, value_name = "REV")]
    pub(crate) revision: Option<String>,

    #[command(flatten)]
    pub(crate) config: ModelConfigArgs,
}
