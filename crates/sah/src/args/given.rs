//! Options of a benchmark as they were given: on the command line, in a file, or when a run was started.
//!
//! All of them go through clap in the end, so that an option means the same wherever it stands.

use anyhow::{Context as _, bail};
use clap::{ArgMatches, Command, CommandFactory as _, Parser as _, parser::ValueSource};

use super::{Bench, BenchmarkArgs, Cli, Command as Verb};
use crate::benchmarks::BenchmarkName;
use crate::usage::UsageError;

/// The command before the benchmark's name.
const BENCH: &str = "bench";

/// A benchmark and options for it by the names of their flags, each with its values: none for a flag without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) benchmark: BenchmarkName,
    options: Vec<(String, Vec<String>)>,
}

impl Given {
    /// What the command line `matches` of this program gives, where it runs a benchmark.
    pub(crate) fn on_the_command_line(matches: &ArgMatches) -> anyhow::Result<Self> {
        let bench = matches.subcommand_matches(BENCH).and_then(ArgMatches::subcommand);
        let (name, matches) = bench.context("no command line of a benchmark")?;
        let benchmark = BenchmarkName::find(name)?;
        let mut options = Vec::new();
        for argument in command().get_arguments() {
            let (id, Some(name)) = (argument.get_id().as_str(), argument.get_long()) else { continue };
            if matches.value_source(id) != Some(ValueSource::CommandLine) {
                continue;
            }
            let mut values = Vec::new();
            if argument.get_action().takes_values() {
                for value in matches.get_raw(id).unwrap_or_default() {
                    let text = value.to_str();
                    let text = text.ok_or_else(|| UsageError(format!("{} is not UTF-8", value.display())))?;
                    values.push(text.to_owned());
                }
            }
            options.push((name.to_owned(), values));
        }
        Ok(Self { benchmark, options })
    }

    /// The options in a command line after the program's name.
    pub(crate) fn in_arguments(arguments: &[String]) -> anyhow::Result<Self> {
        let program = std::iter::once("sah").chain(arguments.iter().map(String::as_str));
        Self::on_the_command_line(&Cli::command().try_get_matches_from(program).map_err(UsageError::from)?)
    }

    /// The same options for `benchmark`.
    pub(crate) fn of(self, benchmark: BenchmarkName) -> Self {
        Self { benchmark, ..self }
    }

    /// Adds an option.
    pub(crate) fn push(&mut self, name: &str, values: Vec<String>) {
        self.options.push((name.to_owned(), values));
    }

    /// Only the option `name`, with this value.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(&[name]);
        self.push(name, vec![value.to_owned()]);
        self
    }

    /// All options but these.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.options.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// These options, and those of `other` that are not among them.
    pub(crate) fn completed_by(mut self, other: Self) -> Self {
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        self.options.extend(other.options.into_iter().filter(|(name, _)| !names.contains(name)));
        self
    }

    /// The names of the options.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(|(name, _)| name.as_str())
    }

    /// As a command line after the program's name.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = [BENCH, self.benchmark.name()].map(str::to_owned).to_vec();
        for (name, values) in &self.options {
            if values.is_empty() {
                arguments.push(format!("--{name}"));
            }
            arguments.extend(values.iter().map(|value| format!("--{name}={value}")));
        }
        arguments
    }

    /// What they mean.
    pub(crate) fn parse(self) -> anyhow::Result<BenchmarkArgs> {
        let arguments = self.arguments();
        let program = std::iter::once("sah").chain(arguments.iter().map(String::as_str));
        let cli = Cli::try_parse_from(program).map_err(UsageError::from)?;
        let Verb::Bench(Bench::Longbench(args) | Bench::Mock(args)) = cli.command else {
            bail!("no command line of a benchmark")
        };
        Ok(BenchmarkArgs { given: self, ..*args })
    }
}

/// A benchmark's command, as clap knows it. All have the same flags.
pub(crate) fn command() -> Command {
    let bench = Cli::command().find_subcommand(BENCH).cloned();
    let command = bench.and_then(|bench| bench.find_subcommand(BenchmarkName::default().name()).cloned());
    command.expect("a subcommand that is declared in this module")
}

#[cfg(test)]
mod tests {
    use super::Given;

    fn given(arguments: &[&str]) -> Given {
        let arguments: Vec<String> =
            ["bench", "longbench"].iter().chain(arguments).map(|&text| text.to_owned()).collect();
        Given::in_arguments(&arguments).unwrap()
    }

    #[test]
    fn a_command_line_is_what_it_gives() {
        let line = ["--attention", "dense,quest", "--set", "heavy_size=5%", "--evict", "--max-samples=2"];
        let given = given(&line);
        let arguments = given.arguments();
        assert_eq!(
            arguments[2..],
            ["--attention=dense", "--attention=quest", "--set=heavy_size=5%", "--evict", "--max-samples=2"]
        );
        assert_eq!(Given::in_arguments(&arguments).unwrap(), given);
        let args = given.parse().unwrap();
        assert_eq!(args.attention.attention, ["dense", "quest"]);
        assert!(args.attention.evict && args.data.max_samples == Some(2));
    }

    #[test]
    fn an_alias_is_the_benchmark() {
        let arguments = ["bench", "mock_benchmark", "--seed=1"].map(str::to_owned);
        assert_eq!(Given::in_arguments(&arguments).unwrap().arguments(), ["bench", "mock", "--seed=1"]);
    }

    #[test]
    fn what_is_given_first_counts() {
        let file = given(&["--attention", "dense", "--max-samples", "5", "--model", "a", "b"]);
        let merged = given(&["--max-samples", "2"]).completed_by(file);
        let args = merged.parse().unwrap();
        assert_eq!(args.data.max_samples, Some(2));
        assert_eq!(args.models.model, ["a", "b"]);
    }
}
