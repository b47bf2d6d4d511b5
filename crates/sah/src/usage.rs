//! Telling wrong usage from failure.

use std::process::ExitCode;

use crate::failure::{Failure, FailureKind};
use crate::interrupt::INTERRUPTED;

/// The command line asked for something that does not exist.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// What clap has to say, in one line and without what it is always followed by.
impl From<clap::Error> for UsageError {
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        // What follows is usage and tips, paragraph by paragraph.
        let lines = text
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
        let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        Self(format!("{}; see --help", line.strip_prefix("error: ").unwrap_or(&line)))
    }
}

/// What a program says that another may try again: `EX_TEMPFAIL` of sysexits.h.
const MAY_PASS: u8 = 75;

/// 2 for wrong usage, 75 for what may pass, 130 for a run that was stopped, 1 for everything else.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(match Failure::of(error).kind {
        FailureKind::Usage => 2,
        FailureKind::Interrupted => INTERRUPTED,
        kind if kind.may_pass() => MAY_PASS,
        _ => 1,
    })
}

/// Prints what clap has to say: help as it is, an error in one line.
pub(crate) fn explain(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print!("{}", error.render().ansi());
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {}", UsageError::from(error));
    ExitCode::from(2)
}
