//! How prompts become tokens.

use clap::{Args, ValueEnum};
use sah_adapter::Tokenisation;

/// How prompts become tokens.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TokeniseArgs {
    /// How a prompt becomes tokens: as one text (`whole`), which is what transformers makes of it, or context and question
    /// `apart`, as the reference does. Tokenizers join characters across the border between the two, so answers can differ:
    /// change it to compare with scores that were made so
    #[arg(long, value_enum, default_value = "whole", value_name = "HOW")]
    pub(crate) tokenise: TokeniseArg,
}

/// `--tokenise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokeniseArg {
    /// A prompt is one text.
    Whole,
    /// Context and question are two.
    Apart,
}

impl TokeniseArg {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Apart => "apart",
        }
    }
}

impl From<TokeniseArg> for Tokenisation {
    fn from(argument: TokeniseArg) -> Self {
        match argument {
            TokeniseArg::Whole => Self::Whole,
            TokeniseArg::Apart => Self::Apart,
        }
    }
}
