//! Telling wrong usage from failure.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::{Failure, FailureKind};
use crate::{exit, terminal, versions};

/// The command line asked for something that does not exist. The program then ends with exit code 2.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// What clap has to say of a command line that it does not take, in one line.
impl From<clap::Error> for UsageError {
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        // The first paragraph; what follows is tips, of which those that name something are kept, and usage.
        let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let line = lines.collect::<Vec<_>>().join(" ");
        let line = line.strip_prefix("error: ").unwrap_or(&line);
        Self(match meant(&error) {
            Some(meant) => format!("{line}; did you mean {meant}?"),
            None => format!("{line}; see --help"),
        })
    }
}

/// What clap takes a misspelt flag, command or value for.
fn meant(error: &clap::Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    match kinds.into_iter().find_map(|kind| error.get(kind))? {
        ContextValue::String(name) => Some(name.clone()),
        // The nearest is the last; those before it are mostly its aliases.
        ContextValue::Strings(names) => names.last().cloned(),
        _ => None,
    }
}

/// Why a command line is not carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// clap does not take it, or it asks for help or the version.
    Clap(clap::Error),
    /// It asks for something that does not exist.
    Usage(UsageError),
}

impl Refused {
    /// Whether it asks for help or the version, which is no error.
    pub(crate) fn is_help(&self) -> bool {
        matches!(self, Self::Clap(error) if !error.use_stderr())
    }

    /// Says it on the terminal, and gives the exit code.
    pub(crate) fn show(self) -> u8 {
        match self {
            Self::Clap(error) => explain(error),
            Self::Usage(error) => refuse(&error),
        }
    }
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error)
    }
}

impl From<UsageError> for Refused {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let error = match refused {
            Refused::Clap(error) => error.into(),
            Refused::Usage(error) => error,
        };
        Self { kind: FailureKind::Usage, message: error.to_string() }
    }
}

/// Says what is wrong with a command line that clap has read.
fn refuse(error: &UsageError) -> u8 {
    eprintln!("error: {error}");
    exit::USAGE
}

/// Prints what clap has to say: help and version, with bold type where standard output shows it, or an error in one line.
fn explain(error: clap::Error) -> u8 {
    let shown = match error.kind() {
        ErrorKind::DisplayVersion => terminal::show(versions::describe()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nobody is left to be told that standard error is closed.
            let _ = error.print();
            return exit::USAGE;
        }
        _ if error.use_stderr() => return refuse(&error.into()),
        // As the terminal and the variables NO_COLOR and CLICOLOR_FORCE want it. A closed pipe reads no help.
        _ => error.print().or_else(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error.into()),
        }),
    };
    match shown {
        Ok(()) => exit::DONE,
        Err(error) => refuse(&UsageError(format!("{error:#}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::UsageError;
    use crate::args;
    use crate::benchmarks::Benchmarks;

    fn said(line: &[&str]) -> String {
        let command = args::command(&Benchmarks::standard());
        UsageError::from(command.try_get_matches_from([&["sah"], line].concat()).unwrap_err()).to_string()
    }

    #[test]
    fn what_is_misspelt_is_said_with_what_may_be_meant() {
        for (line, words) in [
            (
                &["bench", "longbench", "--modle", "x"][..],
                "unexpected argument '--modle' found; did you mean --model?",
            ),
            (&["bench", "longbnch"], "unrecognized subcommand 'longbnch'; did you mean longbench?"),
            (&["bench", "longbench", "--dtype", "bf61"], "; did you mean bf16?"),
            (&["bench", "longbench", "--qqq"], "unexpected argument '--qqq' found; see --help"),
            (&["bench", "longbench", "--dtype", "int4"], "[possible values: f32, bf16, f16]; see --help"),
            (&["generate"], "--question <TEXT>; see --help"),
        ] {
            let said = said(line);
            assert!(said.ends_with(words) && !said.contains('\n'), "{said}");
        }
    }
}
