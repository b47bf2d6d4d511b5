//! `cargo xtask convert` and `calibrate`: files that maskers and retentions need.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sah_attention::ChannelSelection;

use super::ModelArgs;

/// Flags of `convert hash-attention`.
#[derive(Debug, Args)]
pub(crate) struct HashAttentionArgs {
    /// The published file: a pickle of matrices by layer, or a checkpoint by `torch.save`
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,

    /// The file to write; give it to the masker as `hat_weight_file`
    #[arg(value_name = "OUT.safetensors")]
    pub(crate) output: PathBuf,
}

/// Flags of `calibrate double-sparsity`.
#[derive(Debug, Args)]
pub(crate) struct DoubleSparsityArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// UTF-8 text to measure on, of the kind that the model will read; some thousand tokens do. Several files are read one
    /// after another
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) text: Vec<PathBuf>,

    /// The file to write; give it to the masker as `sorted_channel_file`
    #[arg(long, value_name = "OUT.json")]
    pub(crate) out: PathBuf,

    /// Rankings to write: by keys, by queries, or by their products, which `channel_selection` chooses from
    #[arg(long, value_enum, value_delimiter = ',', default_value = "k_proj,q_proj,qk_proj")]
    pub(crate) channels: Vec<ChannelsArg>,

    /// Tokens that are read in one piece, positions 0 to N - 1; 512 as the authors do. Raise it to measure where long
    /// contexts are
    #[arg(long, default_value_t = 512, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) block_size: u32,
}

/// Flags of `calibrate duo-attention`.
#[derive(Debug, Args)]
pub(crate) struct DuoAttentionArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// UTF-8 text to measure on, of the kind that the model will read. Several files count alike
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub(crate) text: Vec<PathBuf>,

    /// The file to write, and `config.json` beside it; give it to the rule as `pattern_file`
    #[arg(long, value_name = "OUT.tsv")]
    pub(crate) out: PathBuf,

    /// Tokens of each text that are read
    #[arg(long, default_value_t = 4096, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) tokens: u32,

    /// First keys that streaming heads are to keep; 128 as the authors have it
    #[arg(long, default_value_t = 128, value_name = "N")]
    pub(crate) sinks: usize,

    /// Last keys that streaming heads are to keep; 256 as the authors have it
    #[arg(long, default_value_t = 256, value_name = "N")]
    pub(crate) recent: usize,
}

/// `--channels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChannelsArg {
    #[value(name = "k_proj")]
    K,
    #[value(name = "q_proj")]
    Q,
    #[value(name = "qk_proj")]
    Qk,
}

impl From<ChannelsArg> for ChannelSelection {
    fn from(channels: ChannelsArg) -> Self {
        match channels {
            ChannelsArg::K => Self::KProj,
            ChannelsArg::Q => Self::QProj,
            ChannelsArg::Qk => Self::QkProj,
        }
    }
}
