//! The command line, as clap reads it. What the values mean is decided where they are used.

mod attention;
mod bench_options;
mod benchmark;
mod benchmark_command;
mod benchmark_flags;
mod command;
mod execution;
mod files;
mod kernels;
mod messages;
mod model;
mod model_config;
mod others;
mod results;
mod sampling;
mod special_tokens;
mod speed;
mod submit;
mod template;
mod tokenise;

use clap::{Parser, Subcommand};

pub(crate) use attention::{AttentionArgs, PrefillArg, QuestionArg, SeesArg};
pub(crate) use bench_options::BenchOptions;
pub(crate) use benchmark::{AnswerTokensArg, BenchmarkArgs, ChatTemplateArg, PromptArgs, TruncationArg};
pub(crate) use benchmark_command::{BenchmarkCommand, BenchmarkCommands, GivenBenchmarks, SeveralCommand};
pub(crate) use benchmark_flags::{flag_taken, lacking};
#[cfg(test)]
pub(crate) use command::command;
pub(crate) use command::{Asked, Line, STATIC_BENCHES, command_for, of_benchmark, parse};
pub(crate) use execution::ExecutionArgs;
pub(crate) use files::{DoubleSparsityArgs, DuoAttentionArgs, HashAttentionArgs};
pub(crate) use kernels::{HeadsArg, KernelsArgs};

pub(crate) use messages::{LogFormatArg, MessageArgs};
pub(crate) use model::{
    DEFAULT_MODEL, DeviceArg, DtypeArg, KvDtypeArg, ModelArgs, ModelsArgs, PlaceArgs, PrecisionArgs,
    WeightsArg,
};
pub(crate) use model_config::ModelConfigArgs;
pub(crate) use others::{DoctorArgs, GenerateArgs, LoadArgs, RetentionsArgs, ScoreArgs, ScoreCommand};
pub(crate) use results::{CompareArgs, ReportArgs, ResultsArgs};
pub(crate) use sampling::{GenerationConfigArg, SamplingArgs};
pub(crate) use special_tokens::SpecialTokensArgs;
pub(crate) use speed::{MeasureArg, PeerArg, SpeedArgs};
pub(crate) use submit::{SlurmArgs, Submit};
pub(crate) use template::TemplateArgs;
pub(crate) use tokenise::TokeniseArgs;

/// Measures what sparse attention does to a language model on long contexts.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) messages: MessageArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a benchmark, or measure speed
    #[command(subcommand)]
    Bench(Bench),
    /// `score NAME`, whose names are those of the benchmarks that can do it.
    #[command(skip)]
    Score(ScoreCommand),
    /// Answer one question about one context
    Generate(Box<GenerateArgs>),
    /// List the benchmarks that can be run, with their subsets, data, metric and source
    Benchmarks,
    /// List the models that can be run, and what their numbers were compared with
    Models,
    /// List the maskers and presets for --attention, with fields, cost and source
    Maskers,
    /// List the rules and presets for --retention, with fields, cost and source
    Retentions(RetentionsArgs),
    /// Convert published weights of a masker to the file that it reads
    #[command(subcommand)]
    Convert(Convert),
    /// Make a file that a masker needs, from the model itself
    #[command(subcommand)]
    Calibrate(Calibrate),
    /// Give a run to a scheduler
    #[command(subcommand)]
    Submit(Submit),
    /// Show finished runs: one HTML page, figures and tables, with confidence intervals
    Report(ReportArgs),
    /// Say which differences of finished runs are beyond noise
    Compare(CompareArgs),
    /// List runs, complete or not
    Results(ResultsArgs),
    /// Say what a model lacks
    Doctor(DoctorArgs),
}

impl Command {
    /// `--threads`, where the command has it.
    pub(crate) fn threads(&self) -> Option<u16> {
        match self {
            Self::Bench(Bench::Speed(args)) => args.place.threads,
            Self::Bench(Bench::Kernels(args)) => args.threads,
            Self::Generate(args) => args.model.place.threads,
            Self::Calibrate(Calibrate::DoubleSparsity(args)) => args.model.place.threads,
            Self::Calibrate(Calibrate::DuoAttention(args)) => args.model.place.threads,
            Self::Score(_)
            | Self::Benchmarks
            | Self::Models
            | Self::Maskers
            | Self::Retentions(_)
            | Self::Convert(_)
            | Self::Submit(_)
            | Self::Report(_)
            | Self::Compare(_)
            | Self::Results(_)
            | Self::Doctor(_) => None,
        }
    }
}

/// What `bench` does beside running the benchmarks of the table, whose commands are added to these.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Prefill, decode, shared questions, start-up and memory, beside the machine's limits, and beside other programs with
    /// --peers
    #[command(display_order = 1001)]
    Speed(Box<SpeedArgs>),
    /// Attention alone, at several lengths and densities, beside libtorch's dense attention and the memory's speed
    #[command(display_order = 1002)]
    Kernels(KernelsArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Convert {
    /// The networks of `HashAttention`: from a pickle or a torch.save checkpoint to safetensors, running no code of the file
    HashAttention(HashAttentionArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Calibrate {
    /// Double Sparsity's channel file: the channels of queries and keys that matter most, measured on a text
    DoubleSparsity(DoubleSparsityArgs),
    /// `DuoAttention`'s pattern: how much each KV head retrieves, by the mean queries and keys of texts
    DuoAttention(DuoAttentionArgs),
}
