//! Telling wrong usage from failure.

use std::process::ExitCode;

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

/// 2 for wrong usage, 130 for a run that was stopped, 1 for everything else.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    use sah_bench_core::Error;
    let in_benchmark = error.downcast_ref::<Error>();
    if matches!(in_benchmark, Some(Error::Interrupted { .. })) {
        return ExitCode::from(INTERRUPTED);
    }
    let usage = error.is::<UsageError>()
        || matches!(
            in_benchmark,
            Some(Error::UnknownSubset { .. } | Error::NoSubsets { .. } | Error::FolderName { .. })
        );
    ExitCode::from(if usage { 2 } else { 1 })
}

/// Prints what clap has to say: help as it is, an error in one line.
pub(crate) fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print!("{}", error.render().ansi());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    // What follows is usage and tips, paragraph by paragraph.
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let line = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    eprintln!("{line}; see --help");
    ExitCode::from(2)
}
