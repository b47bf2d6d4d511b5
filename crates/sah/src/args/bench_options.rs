//! Options of a benchmark by the names of their flags: from the command line, in a file, or when a run was started.
//!
//! All of them go through clap in the end, so that an option means the same wherever it stands.

use clap::{ArgMatches, parser::ValueSource};

use super::BenchmarkCommand;
use super::command::BENCH;
use crate::benchmarks::Benchmarks;
use crate::usage::UsageError;

/// Options of a benchmark by the names of their flags, each with its values: none for a flag without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BenchOptions(Vec<(String, Vec<String>)>);

impl BenchOptions {
    /// What a command line gives that clap has read as one of `command`.
    pub(super) fn of_matches(command: &clap::Command, matches: &ArgMatches) -> Result<Self, UsageError> {
        let mut options = Self::default();
        for argument in command.get_arguments() {
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

    /// Adds an option.
    pub(crate) fn push(&mut self, name: &str, values: Vec<String>) {
        self.0.push((name.to_owned(), values));
    }

    /// Only the option `name`, with this value.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(&[name]);
        self.push(name, vec![value.to_owned()]);
        self
    }

    /// All options but these.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// These options, and those of `other` that are not among them.
    pub(crate) fn completed_by(mut self, other: Self) -> Self {
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        self.0.extend(other.0.into_iter().filter(|(name, _)| !names.contains(name)));
        self
    }

    /// The names of the options.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the option `name` is among them.
    pub(crate) fn gives(&self, name: &str) -> bool {
        self.names().any(|given| given == name)
    }

    /// As a command line of `benchmark`, after the program's name.
    pub(crate) fn arguments(&self, benchmark: &str) -> Vec<String> {
        let mut arguments = [BENCH, benchmark].map(str::to_owned).to_vec();
        for (name, values) in &self.0 {
            if values.is_empty() {
                arguments.push(format!("--{name}"));
            }
            arguments.extend(values.iter().map(|value| format!("--{name}={value}")));
        }
        arguments
    }

    /// What they mean for `benchmark`.
    pub(crate) fn parse(&self, benchmarks: &Benchmarks, benchmark: &str) -> anyhow::Result<BenchmarkCommand> {
        BenchmarkCommand::of_arguments(benchmarks, &self.arguments(benchmark))
    }
}

#[cfg(test)]
mod tests {
    use crate::args::BenchmarkCommand;
    use crate::benchmarks::Benchmarks;

    fn all() -> Benchmarks {
        Benchmarks::for_tests()
    }

    fn parsed(arguments: &[&str]) -> BenchmarkCommand {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        BenchmarkCommand::of_arguments(&all(), &arguments).unwrap()
    }

    fn arguments(command: &BenchmarkCommand) -> Vec<String> {
        command.options.arguments(command.benchmark)
    }

    #[test]
    fn a_command_line_is_what_it_gives() {
        let line = ["--attention", "dense,quest", "--set", "heavy_size=5%", "--evict", "--max-samples=2"];
        let command = parsed(&[&["bench", "counting"], &line[..]].concat());
        let arguments = arguments(&command);
        assert_eq!(
            arguments[2..],
            ["--attention=dense", "--attention=quest", "--set=heavy_size=5%", "--evict", "--max-samples=2"]
        );
        assert_eq!(BenchmarkCommand::of_arguments(&all(), &arguments).unwrap().options, command.options);
        let args = command.options.parse(&all(), "counting").unwrap().args;
        assert_eq!(args.attention.attention, ["dense", "quest"]);
        assert!(args.attention.evict && args.data.max_samples == Some(2));
    }

    #[test]
    fn an_alias_is_the_benchmark() {
        assert_eq!(
            arguments(&parsed(&["bench", "mock_benchmark", "--seed=1"])),
            ["bench", "mock", "--seed=1"]
        );
    }

    #[test]
    fn a_benchmark_s_own_flags_are_given_like_all_others() {
        // In the order of the flags, whatever that of the command line.
        let line =
            ["--seed=1", "--chat-template=never", "--subsets=long", "--up-to", "4", "--attention=dense"];
        let command = parsed(&[&["bench", "counting"], &line[..]].concat());
        assert_eq!(
            arguments(&command)[2..],
            ["--attention=dense", "--up-to=4", "--subsets=long", "--chat-template=never", "--seed=1"]
        );
        assert_eq!(command.matches.get_one::<usize>("up_to"), Some(&4));
    }

    #[test]
    fn what_is_no_benchmark_runs_none() {
        for line in [&["bench", "ruler"][..], &["bench"], &["bench", "speed"], &["models"]] {
            let arguments: Vec<String> = line.iter().map(|&text| text.to_owned()).collect();
            assert!(BenchmarkCommand::of_arguments(&all(), &arguments).is_err(), "{line:?}");
        }
    }

    #[test]
    fn what_is_given_first_counts() {
        let file =
            parsed(&["bench", "mock", "--attention", "dense", "--max-samples", "5", "--model", "a", "b"]);
        let line = parsed(&["bench", "mock", "--max-samples", "2"]);
        let merged = line.options.completed_by(file.options);
        let args = merged.parse(&all(), "mock").unwrap().args;
        assert_eq!(args.data.max_samples, Some(2));
        assert_eq!(args.models.model, ["a", "b"]);
    }
}
