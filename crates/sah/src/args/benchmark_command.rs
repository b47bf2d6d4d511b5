//! Command lines that run benchmarks, as they are given and as they are meant.

use std::path::PathBuf;

use anyhow::bail;
use clap::{ArgMatches, Command, FromArgMatches as _};

use super::benchmark_flags::{command_of, lacking};
use super::command::{BENCH, command};
use super::{BenchOptions, BenchmarkArgs};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::usage::UsageError;

/// A command line that runs a benchmark.
#[derive(Debug)]
pub(crate) struct BenchmarkCommand {
    /// Which benchmark it is.
    pub(crate) benchmark: &'static str,
    /// All its options, from the command line or a file.
    pub(crate) options: BenchOptions,
    /// What they mean, for flags that every benchmark has.
    pub(crate) args: BenchmarkArgs,
    /// What clap made of them, for the flags that only this benchmark has.
    pub(crate) matches: ArgMatches,
}

impl BenchmarkCommand {
    /// Of a command line after the program's name.
    pub(crate) fn of_arguments(benchmarks: &Benchmarks, arguments: &[String]) -> anyhow::Result<Self> {
        let program = std::iter::once("sah").chain(arguments.iter().map(String::as_str));
        let matches = command(benchmarks).try_get_matches_from(program).map_err(UsageError::from)?;
        let named = matches.subcommand().filter(|(name, _)| *name == BENCH);
        let named = named.and_then(|(_, bench)| bench.subcommand());
        let Some((entry, matches)) =
            named.and_then(|(name, matches)| Some((benchmarks.find(name).ok()?, matches)))
        else {
            bail!("no command line of a benchmark")
        };
        Ok(Self {
            benchmark: entry.name(),
            options: BenchOptions::of_matches(&command_of(&[entry]), matches)?,
            args: BenchmarkArgs::from_arg_matches(matches).map_err(UsageError::from)?,
            matches: matches.clone(),
        })
    }
}

/// Command lines of benchmarks that are run by one process.
#[derive(Debug)]
pub(crate) enum BenchmarkCommands {
    One(Box<BenchmarkCommand>),
    Several(SeveralCommand),
}

/// Several benchmarks in one run: each is a run of its own in the folder of that.
#[derive(Debug)]
pub(crate) struct SeveralCommand {
    /// The folder of the run.
    pub(crate) run: PathBuf,
    /// Two at least.
    pub(crate) commands: Vec<BenchmarkCommand>,
    /// Whether it was begun before.
    pub(crate) is_resumed: bool,
}

impl BenchmarkCommands {
    /// `--threads`, which is the same for all.
    pub(crate) fn threads(&self) -> Option<u16> {
        match self {
            Self::One(command) => command.args.models.threads,
            Self::Several(several) => several.commands[0].args.models.threads,
        }
    }
}

/// A command line that runs benchmarks, before the file or the run is read that it may name.
#[derive(Debug)]
pub(crate) struct GivenBenchmarks {
    /// Those that it names; none where the file or the run says which.
    pub(crate) names: Vec<&'static str>,
    /// The options.
    pub(crate) options: BenchOptions,
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--resume`.
    pub(crate) resume: Option<PathBuf>,
}

impl GivenBenchmarks {
    /// `matches` are those of the command of `entries`.
    pub(super) fn new(entries: &[&dyn BenchmarkEntry], matches: &ArgMatches) -> Result<Self, UsageError> {
        let options = BenchOptions::of_matches(&command_of(entries), matches)?;
        for name in options.names() {
            check_all_have(entries, name)?;
        }
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        let names = entries.iter().map(|entry| entry.name()).collect();
        Ok(Self { names, options, config: path("config"), resume: path("resume") })
    }
}

/// An error where some of the benchmarks have the flag `name`, and others have not.
fn check_all_have(entries: &[&dyn BenchmarkEntry], name: &str) -> Result<(), UsageError> {
    let has = |command: &Command| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let Some((lacking, tables)) = lacking(entries, has) else { return Ok(()) };
    let lacking = lacking.name();
    Err(UsageError(format!(
        "{lacking} has no --{name}; write a plan (--config) with {name} in the table {tables}"
    )))
}
