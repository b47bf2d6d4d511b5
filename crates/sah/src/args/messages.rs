//! What a command says beside its result.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags that every command takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct MessageArgs {
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// Form of what is said on standard error: `text`, or `json`, an object a line with typed fields, for programs that read
    /// along. `RUST_LOG` chooses what is said (`warn,sah=info` by default)
    #[arg(long, value_enum, default_value = "text", global = true, value_name = "FORMAT")]
    pub(crate) log_format: LogFormatArg,

    /// Also write what took how long to this file, as a trace that Chrome (`chrome://tracing`) and Perfetto open. Costs time for
    /// each token: leave it out where speed is measured
    #[arg(long, value_name = "FILE.json", global = true)]
    pub(crate) trace: Option<PathBuf>,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormatArg {
    #[default]
    Text,
    Json,
}

impl LogFormatArg {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
