//! Telling wrong usage from failure.

use std::process::ExitCode;

use crate::exit;

/// The command line asked for something that does not exist. The program then ends with exit code 2.
#[derive(Debug)]
pub struct UsageError(pub String);

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

/// Says what is wrong with a command line that clap has read.
pub(crate) fn refuse(error: &UsageError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(exit::USAGE)
}

/// Prints what clap has to say: help as it is, an error in one line.
pub(crate) fn explain(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print!("{}", error.render().ansi());
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {}", UsageError::from(error));
    ExitCode::from(exit::USAGE)
}
