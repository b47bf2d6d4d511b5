//! How tokens are chosen and when an answer ends, in every command that generates.

use std::num::NonZeroUsize;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use sah_adapter::GenerationConfigUse;
use sah_request::{GenerationParams, RandomSampling, RepetitionPenalty, Sampling, Share, Temperature};

#[derive(Debug, Args)]
#[command(next_help_heading = "Sampling")]
pub(crate) struct SamplingArgs {
    /// Draw tokens at random, from logits divided by T. Without any of the next four flags decoding is greedy, which is
    /// what published scores use
    #[arg(long, value_name = "T")]
    pub(crate) temperature: Option<Temperature>,

    /// Draw only from the K most likely tokens
    #[arg(long, value_name = "K")]
    pub(crate) top_k: Option<NonZeroUsize>,

    /// Draw only from the most likely tokens that together have probability P
    #[arg(long, value_name = "P")]
    pub(crate) top_p: Option<Share>,

    /// Draw only from tokens at least P times as likely as the most likely one
    #[arg(long, value_name = "P")]
    pub(crate) min_p: Option<Share>,

    /// Make tokens that were read or written already less likely; above 1 for models that repeat themselves. Replaces what the
    /// model's `generation_config.json` says; 1 is none
    #[arg(long, value_name = "R")]
    pub(crate) repetition_penalty: Option<RepetitionPenalty>,

    /// What the model's `generation_config.json` says of logits (`repetition_penalty`, `suppress_tokens` and the like): `apply` it as
    /// transformers' greedy `generate` does, or `ignore` it. Tokens that end an answer are always taken from it; whether and how
    /// to draw tokens never is
    #[arg(long, value_enum, default_value = "apply", value_name = "USE")]
    pub(crate) generation_config: GenerationConfigArg,

    /// End an answer before this text. Give it several times for several
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) stop: Vec<String>,
}

/// `--generation-config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GenerationConfigArg {
    /// Do to logits what it says.
    Apply,
    /// Take only the tokens that end an answer.
    Ignore,
}

impl GenerationConfigArg {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Ignore => "ignore",
        }
    }
}

impl From<GenerationConfigArg> for GenerationConfigUse {
    fn from(argument: GenerationConfigArg) -> Self {
        match argument {
            GenerationConfigArg::Apply => Self::Apply,
            GenerationConfigArg::Ignore => Self::Ignore,
        }
    }
}

impl SamplingArgs {
    /// Whether the most likely token is taken each time.
    pub(crate) fn is_greedy(&self) -> bool {
        self.temperature.is_none() && self.top_k.is_none() && self.top_p.is_none() && self.min_p.is_none()
    }

    /// With the limit on new tokens and the seed, which are flags of their own.
    pub(crate) fn generation(&self, max_new_tokens: Option<usize>, seed: u64) -> GenerationParams {
        let random = || RandomSampling {
            temperature: self.temperature.unwrap_or_default(),
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            seed,
        };
        GenerationParams {
            max_new_tokens,
            thinking_tokens: 0,
            ignore_eos: false,
            stop: self.stop.clone(),
            repetition_penalty: self.repetition_penalty,
            sampling: if self.is_greedy() { Sampling::Greedy } else { Sampling::Random(random()) },
        }
    }
}
