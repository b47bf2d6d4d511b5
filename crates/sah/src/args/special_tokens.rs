//! `--special-tokens`.

use clap::{Args, ValueEnum};
use sah_adapter::SpecialTokensInText;

/// How text that reads as special tokens is read.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SpecialTokensArgs {
    /// What becomes of text in contexts and questions that reads as a special token, such as `<|im_end|>`: `parse` makes the token
    /// of it, as the reference does; `text` reads it as text, for documents that must not end the user's turn
    #[arg(long, value_enum, default_value = "parse")]
    pub(crate) special_tokens: SpecialTokensArg,
}

/// The values of `--special-tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SpecialTokensArg {
    Parse,
    Text,
}

impl SpecialTokensArg {
    /// Its name on the command line and in `config.json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Text => "text",
        }
    }
}

impl From<SpecialTokensArg> for SpecialTokensInText {
    fn from(argument: SpecialTokensArg) -> Self {
        match argument {
            SpecialTokensArg::Parse => Self::Parse,
            SpecialTokensArg::Text => Self::Text,
        }
    }
}
