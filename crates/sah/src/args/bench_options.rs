//! Options of a benchmark by the names of their flags: from the command line, in a file, or when a run was started.
//!
//! All of them go through clap in the end, so that an option means the same wherever it stands.

use anyhow::bail;
use clap::{ArgMatches, parser::ValueSource};

use super::command::BENCH;
use super::{Bench, BenchmarkCommand, Command, command, of_benchmark, parse};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::usage::UsageError;

/// A benchmark and options for it by the names of their flags, each with its values: none for a flag without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BenchOptions {
    /// The name of the benchmark.
    pub(crate) benchmark: &'static str,
    options: Vec<(String, Vec<String>)>,
}

impl BenchOptions {
    /// No option yet.
    pub(crate) fn none(entry: &dyn BenchmarkEntry) -> Self {
        Self { benchmark: entry.name(), options: Vec::new() }
    }

    /// What the command line of `entry` gives, as clap has read it.
    pub(super) fn of_matches(entry: &dyn BenchmarkEntry, matches: &ArgMatches) -> Result<Self, UsageError> {
        let mut options = Self::none(entry);
        for argument in of_benchmark(entry).get_arguments() {
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
            options.push(name, values);
        }
        Ok(options)
    }

    /// The options in a command line after the program's name.
    pub(crate) fn in_arguments(benchmarks: &Benchmarks, arguments: &[String]) -> anyhow::Result<Self> {
        Ok(benchmark_command(benchmarks, arguments)?.options)
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

    /// These options for this benchmark, but for those that `other` gives, too.
    pub(crate) fn replaced_by(self, other: Self) -> Self {
        Self { benchmark: self.benchmark, ..other.completed_by(self) }
    }

    /// The names of the options.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the option `name` is among them.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.names().any(|given| given == name)
    }

    /// As a command line after the program's name.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = [BENCH, self.benchmark].map(str::to_owned).to_vec();
        for (name, values) in &self.options {
            if values.is_empty() {
                arguments.push(format!("--{name}"));
            }
            arguments.extend(values.iter().map(|value| format!("--{name}={value}")));
        }
        arguments
    }

    /// What they mean.
    pub(crate) fn parse(&self, benchmarks: &Benchmarks) -> anyhow::Result<BenchmarkCommand> {
        benchmark_command(benchmarks, &self.arguments())
    }
}

/// A command line, after the program's name, that runs a benchmark.
fn benchmark_command(benchmarks: &Benchmarks, arguments: &[String]) -> anyhow::Result<BenchmarkCommand> {
    let program = std::iter::once("sah").chain(arguments.iter().map(String::as_str));
    let matches = command(benchmarks).try_get_matches_from(program).map_err(UsageError::from)?;
    let Command::Bench(Bench::Benchmark(command)) = parse(benchmarks, &matches)?.command else {
        bail!("no command line of a benchmark")
    };
    Ok(*command)
}

#[cfg(test)]
mod tests {
    use super::BenchOptions;
    use crate::benchmarks::Benchmarks;

    fn all() -> Benchmarks {
        Benchmarks::for_tests()
    }

    fn parsed(arguments: &[&str]) -> BenchOptions {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        BenchOptions::in_arguments(&all(), &arguments).unwrap()
    }

    #[test]
    fn a_command_line_is_what_it_gives() {
        let line = ["--attention", "dense,quest", "--set", "heavy_size=5%", "--evict", "--max-samples=2"];
        let options = parsed(&[&["bench", "counting"], &line[..]].concat());
        let arguments = options.arguments();
        assert_eq!(
            arguments[2..],
            ["--attention=dense", "--attention=quest", "--set=heavy_size=5%", "--evict", "--max-samples=2"]
        );
        assert_eq!(BenchOptions::in_arguments(&all(), &arguments).unwrap(), options);
        let args = options.parse(&all()).unwrap().args;
        assert_eq!(args.attention.attention, ["dense", "quest"]);
        assert!(args.attention.evict && args.data.max_samples == Some(2));
    }

    #[test]
    fn an_alias_is_the_benchmark() {
        assert_eq!(
            parsed(&["bench", "mock_benchmark", "--seed=1"]).arguments(),
            ["bench", "mock", "--seed=1"]
        );
    }

    #[test]
    fn a_benchmark_s_own_flags_are_given_like_all_others() {
        // In the order of the flags, whatever that of the command line.
        let line =
            ["--seed=1", "--chat-template=never", "--subsets=long", "--up-to", "4", "--attention=dense"];
        let options = parsed(&[&["bench", "counting"], &line[..]].concat());
        assert_eq!(
            options.arguments()[2..],
            ["--attention=dense", "--up-to=4", "--subsets=long", "--chat-template=never", "--seed=1"]
        );
        let command = options.parse(&all()).unwrap();
        assert_eq!(command.matches.get_one::<usize>("up_to"), Some(&4));
    }

    #[test]
    fn what_is_no_benchmark_runs_none() {
        for line in [&["bench", "ruler"][..], &["bench"], &["bench", "speed"], &["models"]] {
            let arguments: Vec<String> = line.iter().map(|&text| text.to_owned()).collect();
            assert!(BenchOptions::in_arguments(&all(), &arguments).is_err(), "{line:?}");
        }
    }

    #[test]
    fn what_is_given_first_counts() {
        let file =
            parsed(&["bench", "mock", "--attention", "dense", "--max-samples", "5", "--model", "a", "b"]);
        let merged = parsed(&["bench", "mock", "--max-samples", "2"]).completed_by(file);
        let args = merged.parse(&all()).unwrap().args;
        assert_eq!(args.data.max_samples, Some(2));
        assert_eq!(args.models.model, ["a", "b"]);
    }
}
