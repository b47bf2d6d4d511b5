//! Files for `bench --config` and `submit slurm`: benchmarks, and options by the names of their flags. Options above all tables hold
//! for all benchmarks, those in the table of a benchmark for this one.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Arg, Command};
use sah_bench_core::data::read_text;
use sah_message::{meant, nearest};
use serde_json::{Map, Value};

use crate::args::{self, BenchOptions};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::usage::UsageError;

/// Names the benchmarks, so that a file is not taken for one of others.
const BENCHMARK: &str = "benchmark";
/// Has what only `submit slurm` needs.
const SLURM: &str = "slurm";
/// Flags that say what is done with a plan, and are no part of it.
const NOT_IN_FILES: [&str; 7] = ["config", "resume", "dry-run", "cell", "shard", "collect", "worker"];

/// Options that hold for a run of several benchmarks as a whole.
const OF_THE_RUN: [&str; 3] = ["result-dir", "run-name", "threads"];

/// A plan as its file has it.
#[derive(Clone, Debug)]
pub(crate) struct PlanFile {
    source: Source,
    /// Each benchmark with its options.
    pub(crate) benchmarks: Vec<(&'static str, BenchOptions)>,
    /// The table `slurm`.
    pub(crate) slurm: Option<Value>,
}

/// The file and its text, for errors.
#[derive(Clone, Debug)]
struct Source {
    path: PathBuf,
    text: String,
}

impl PlanFile {
    /// Reads a plan for the benchmarks of the command line, or where that names none, for those that the file names. Names and
    /// kinds of all options are checked, values by the parsers of their flags.
    pub(crate) fn read(benchmarks: &Benchmarks, path: &Path, named: &[&str]) -> anyhow::Result<Self> {
        let (source, mut table) = Source::read(path)?;
        let in_file = table.shift_remove(BENCHMARK).map(|value| listed(benchmarks, &value)).transpose();
        let in_file = in_file.map_err(|error| source.wrong(&[BENCHMARK], &error))?;
        let entries: Vec<&dyn BenchmarkEntry> = match in_file {
            Some(entries) => entries,
            None => named.iter().map(|name| benchmarks.find(name)).collect::<Result<_, _>>()?,
        };
        if let Some(other) = named.iter().find(|name| entries.iter().all(|entry| entry.name() != **name)) {
            let text = format!("benchmark is {}, and this is bench {other}", names(&entries));
            bail!(source.wrong(&[BENCHMARK], &text));
        }
        if entries.is_empty() {
            let there_is = benchmarks.names();
            let path = path.display();
            bail!(UsageError(format!("{path}: write benchmark = \"NAME\"; there is {there_is}")));
        }
        let slurm = table.shift_remove(SLURM);
        let mut of_all = vec![BenchOptions::default(); entries.len()];
        let mut of_one = of_all.clone();
        for (name, value) in table {
            let own = match value {
                Value::Object(_) => benchmarks.find(&name).ok(),
                _ => None,
            };
            let taken = match (own, value) {
                (Some(entry), Value::Object(table)) => {
                    let Some(at) = entries.iter().position(|other| other.name() == entry.name()) else {
                        let text =
                            format!("a table of {}, and benchmark is {}", entry.name(), names(&entries));
                        bail!(source.wrong(&[&name], &text));
                    };
                    for (option, value) in table {
                        take_own(&mut of_one[at], &entries, at, &option, &value)
                            .map_err(|error| source.wrong(&[&name, &option], &error))?;
                    }
                    Ok(())
                }
                (_, value) => take(&mut of_all, &entries, &name, &value),
            };
            taken.map_err(|error| source.wrong(&[&name], &error))?;
        }
        let mut read = Vec::new();
        for ((entry, of_one), of_all) in entries.iter().zip(of_one).zip(of_all) {
            let options = of_one.completed_by(of_all);
            options.parse(benchmarks, entry.name()).map_err(|error| {
                let whose = if entries.len() > 1 { format!("{}: ", entry.name()) } else { String::new() };
                UsageError(format!("{}: {whose}{error}", path.display()))
            })?;
            read.push((entry.name(), options));
        }
        read.retain(|(name, _)| named.is_empty() || named.contains(name));
        Ok(Self { source, benchmarks: read, slurm })
    }

    /// The place of the table `slurm`, for errors in it.
    pub(crate) fn slurm_place(&self) -> String {
        self.source.place(&[SLURM])
    }
}

/// The benchmarks that `benchmark = ...` names: one, or a list of them.
fn listed<'a>(benchmarks: &'a Benchmarks, value: &Value) -> Result<Vec<&'a dyn BenchmarkEntry>, UsageError> {
    let wrong = || UsageError(format!("benchmark is {value}; write a name, or a list of names"));
    let name = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
    let text = match value {
        Value::Array(values) if !values.is_empty() => {
            values.iter().map(name).collect::<Result<Vec<_>, _>>()?.join(",")
        }
        value => name(value)?,
    };
    benchmarks.find_all(&text)
}

fn names(entries: &[&dyn BenchmarkEntry]) -> String {
    entries.iter().map(|entry| entry.name()).collect::<Vec<_>>().join(", ")
}

/// Adds an option of a file to those of each benchmark.
fn take(
    options: &mut [BenchOptions],
    entries: &[&dyn BenchmarkEntry],
    name: &str,
    value: &Value,
) -> anyhow::Result<()> {
    if let Some((lacking, tables)) = args::lacking(entries, |command| flag(command, name).is_some()) {
        bail!("{} has no option {name}; put it in the table {tables}", lacking.name());
    }
    let commands: Vec<Command> = entries.iter().map(|entry| args::of_benchmark(*entry)).collect();
    if commands.iter().all(|command| flag(command, name).is_none()) {
        return Err(unknown(entries, &commands, name));
    }
    for (options, command) in options.iter_mut().zip(&commands) {
        push(options, command, name, value)?;
    }
    Ok(())
}

/// Adds an option of the table of the benchmark `at` to its own.
fn take_own(
    options: &mut BenchOptions,
    entries: &[&dyn BenchmarkEntry],
    at: usize,
    name: &str,
    value: &Value,
) -> anyhow::Result<()> {
    let command = args::of_benchmark(entries[at]);
    if entries.len() > 1 && OF_THE_RUN.contains(&name) {
        bail!("{name} holds for all benchmarks of a run; put it above the tables");
    }
    if flag(&command, name).is_none() {
        return Err(unknown(&entries[at..=at], &[command], name));
    }
    push(options, &command, name, value)
}

/// The flag of this name, or with this alias, that may be in a file.
fn flag<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let is_called = |argument: &&Arg| {
        argument.get_long() == Some(name)
            || argument.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
    };
    command.get_arguments().find(is_called).filter(|_| !NOT_IN_FILES.contains(&name))
}

/// What is said of an option that no benchmark has.
fn unknown(entries: &[&dyn BenchmarkEntry], commands: &[Command], name: &str) -> anyhow::Error {
    if NOT_IN_FILES.contains(&name) {
        return anyhow!("{name} is given on the command line, not in a file");
    }
    let flags = commands.iter().flat_map(Command::get_arguments).filter_map(Arg::get_long);
    let flags = flags.filter(|flag| !NOT_IN_FILES.contains(flag)).chain([BENCHMARK, SLURM]);
    let mut names: Vec<&str> = flags.chain(entries.iter().map(|entry| entry.name())).collect();
    names.sort_unstable();
    names.dedup();
    if nearest(name, names.iter().copied()).is_empty() {
        let benchmark = entries[0].name();
        return anyhow!("there is no option {name:?}; cargo xtask bench {benchmark} --help lists them");
    }
    anyhow!("there is no option {name:?}; {}", meant(name, names))
}

/// Adds the option `name`, which `command` has.
fn push(options: &mut BenchOptions, command: &Command, name: &str, value: &Value) -> anyhow::Result<()> {
    let Some(argument) = flag(command, name) else { return Ok(()) };
    let name = argument.get_long().unwrap_or(name);
    match (argument.get_action().takes_values(), value) {
        (false, Value::Bool(true)) => options.push(name, Vec::new()),
        (false, Value::Bool(false)) => {}
        (false, other) => bail!("{name} is {other}; write true or false"),
        (true, Value::Array(values)) => {
            let values = values.iter().map(|value| text(name, value)).collect::<Result<Vec<_>, _>>()?;
            let several = matches!(argument.get_action(), clap::ArgAction::Append);
            match values.len() {
                0 => bail!("{name} is an empty list; leave it out for its default"),
                1 => {}
                _ if several => {}
                count => bail!("{name} takes one value, and there are {count}"),
            }
            options.push(name, values);
        }
        (true, value) => options.push(name, vec![text(name, value)?]),
    }
    Ok(())
}

impl Source {
    /// Reads a file, and gives its content.
    fn read(path: &Path) -> anyhow::Result<(Self, Map<String, Value>)> {
        let text = read_text(path)?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let parsed = if is_json {
            serde_json::from_str::<Map<String, Value>>(&text).map_err(anyhow::Error::from)
        } else {
            toml::from_str::<Map<String, Value>>(&text).map_err(|error| anyhow!(toml_problem(&error, &text)))
        };
        let table = parsed.map_err(|error| UsageError(format!("{}: {error:#}", path.display())))?;
        Ok((Self { path: path.to_path_buf(), text }, table))
    }

    /// The error at an option.
    fn wrong(&self, names: &[&str], error: &dyn std::fmt::Display) -> UsageError {
        UsageError(format!("{}: {error}", self.place(names)))
    }

    /// The file and, where it can be told, the line of an option: its name, or those of its table and of itself.
    fn place(&self, names: &[&str]) -> String {
        let path = self.path.display();
        let line = || {
            let root = toml::de::DeTable::parse(&self.text).ok()?;
            let mut table = root.get_ref();
            let mut start = None;
            for name in names {
                let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
                start = Some(key.span().start);
                let Some(inner) = value.get_ref().as_table() else { break };
                table = inner;
            }
            Some(self.text[..start?].matches('\n').count() + 1)
        };
        line().map_or_else(|| path.to_string(), |line| format!("{path}, line {line}"))
    }
}

/// What is wrong with a text that is no TOML, on one line.
pub(crate) fn toml_problem(error: &toml::de::Error, text: &str) -> String {
    let problem = error.message().replace('\n', " ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {problem}", before.matches('\n').count() + 1),
        None => problem,
    }
}

/// A value as it would stand on the command line.
fn text(name: &str, value: &Value) -> anyhow::Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(anyhow!("{name}: {other} is neither a text nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::PlanFile;
    use crate::args::BenchOptions;
    use crate::benchmarks::Benchmarks;

    fn read(name: &str, text: &str) -> Result<PlanFile, String> {
        read_for(&[], name, text)
    }

    /// For the benchmarks of a command line.
    fn read_for(named: &[&str], name: &str, text: &str) -> Result<PlanFile, String> {
        let folder = std::env::temp_dir().join(format!(
            "sah-plan-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let read =
            PlanFile::read(&Benchmarks::for_tests(), &path, named).map_err(|error| format!("{error:#}"));
        fs::remove_dir_all(&folder).unwrap();
        read
    }

    /// What it says for each benchmark, as a command line. In which order a file has its keys means nothing.
    fn lines(file: &PlanFile) -> Vec<Vec<String>> {
        let line = |(name, options): &(&str, BenchOptions)| {
            let mut line = options.arguments(name);
            line[2..].sort();
            line
        };
        file.benchmarks.iter().map(line).collect()
    }

    #[test]
    fn toml_and_json_mean_the_same_as_flags() {
        let toml = "benchmark = \"mock\"\nmodel = [\"a\", \"b\"]\nattention = \"dense\"\nmax-samples = 2\nevict = false\n\
             temperature = 0.5\ntimeout = \"2h\"\n[slurm]\npartition = \"gpu\"\n";
        let json = r#"{"benchmark": "mock", "model": ["a", "b"], "attention": ["dense"], "max-samples": 2,
            "temperature": 0.5, "timeout": "2h"}"#;
        let (toml, json) = (read("a.toml", toml).unwrap(), read("a.json", json).unwrap());
        assert_eq!(lines(&toml), lines(&json));
        assert_eq!(
            lines(&toml)[0][2..],
            [
                "--attention=dense",
                "--max-samples=2",
                "--model=a",
                "--model=b",
                "--temperature=0.5",
                "--timeout=2h"
            ]
        );
        assert_eq!(toml.slurm.unwrap()["partition"], "gpu");
        assert!(json.slurm.is_none());
    }

    #[test]
    fn a_file_for_another_benchmark_is_refused() {
        let mock = "benchmark = \"mock_benchmark\"";
        assert_eq!(lines(&read_for(&["mock"], "a.toml", mock).unwrap()), [["bench", "mock"]]);
        assert_eq!(lines(&read("a.toml", mock).unwrap()), [["bench", "mock"]]);
        let error = read_for(&["counting"], "a.toml", mock).unwrap_err();
        assert!(error.contains("line 1: benchmark is mock, and this is bench counting"), "{error}");
        let any = read_for(&["mock"], "a.toml", "seed = 1").unwrap();
        assert_eq!(lines(&any), [["bench", "mock", "--seed=1"]]);
    }

    #[test]
    fn a_file_for_no_benchmark_runs_none() {
        let error = read("a.toml", "seed = 1").unwrap_err();
        assert!(error.contains("write benchmark = \"NAME\"; there is counting, mock"), "{error}");
    }

    #[test]
    fn a_benchmark_s_own_flags_are_options_of_its_files_alone() {
        let own = read("a.toml", "benchmark = \"counting\"\nup-to = 4\n").unwrap();
        assert_eq!(lines(&own), [["bench", "counting", "--up-to=4"]]);
        let error = read("a.toml", "benchmark = \"mock\"\nup-to = 4\n").unwrap_err();
        assert!(error.contains("line 2: there is no option \"up-to\""), "{error}");
        let error = read("a.toml", "benchmark = \"counting\"\ndata = \"hub\"\n").unwrap_err();
        assert!(error.contains("line 2: there is no option \"data\""), "{error}");
    }

    #[test]
    fn options_above_the_tables_hold_for_all_benchmarks_and_those_in_a_table_for_one() {
        let text = "benchmark = [\"counting\", \"mock\"]\nseed = 1\nmax-samples = 2\n[counting]\nup-to = 4\nmax-samples = 3\n";
        let all = [
            &["bench", "counting", "--max-samples=3", "--seed=1", "--up-to=4"][..],
            &["bench", "mock", "--max-samples=2", "--seed=1"],
        ];
        assert_eq!(lines(&read("a.toml", text).unwrap()), all);
        let json = r#"{"benchmark": ["count", "mock"], "seed": 1, "max-samples": 2,
            "count": {"up-to": 4, "max-samples": 3}}"#;
        assert_eq!(lines(&read("a.json", json).unwrap()), all);
        // A command line may name some of them; a file that names none is for those that it names.
        assert_eq!(lines(&read_for(&["mock"], "a.toml", text).unwrap()), all[1..]);
        let any = read_for(&["mock", "counting"], "a.toml", "seed = 1").unwrap();
        assert_eq!(lines(&any), [["bench", "mock", "--seed=1"], ["bench", "counting", "--seed=1"]]);
        let one = read("a.toml", "benchmark = [\"counting\"]\n[counting]\nup-to = 4").unwrap();
        assert_eq!(lines(&one), [["bench", "counting", "--up-to=4"]]);
    }

    #[test]
    fn mistakes_in_a_file_for_several_are_named_with_their_place() {
        for (text, expected) in [
            ("up-to = 4", "line 2: mock has no option up-to; put it in the table [counting]"),
            ("[mock]\nup-to = 4", "line 3: there is no option \"up-to\""),
            (
                "[counting]\n\nmax-sample = 4",
                "line 4: there is no option \"max-sample\"; did you mean max-samples?",
            ),
            ("[countin]\nup-to = 4", "line 2: there is no option \"countin\"; did you mean counting?"),
            ("seed = 1\n[counting]\nrun-name = \"a\"", "line 4: run-name holds for all benchmarks of a run"),
            ("[counting]\nup-to = \"x\"", "a.toml: counting: invalid value 'x' for '--up-to <N>'"),
            ("chat-template = \"counting\"", "a.toml: mock: invalid value 'counting' for '--chat-template"),
            ("seed = {a = 1}", "neither a text nor a number"),
            ("resume = \"x\"", "line 2: resume is given on the command line, not in a file"),
        ] {
            let text = format!("benchmark = [\"counting\", \"mock\"]\n{text}");
            let error = read("a.toml", &text).unwrap_err();
            assert!(error.contains(expected) && error.contains("a.toml"), "{text}: {error}");
        }
        for (benchmark, expected) in [
            ("[\"mock\", \"mock_benchmark\"]", "line 1: mock is named twice"),
            ("[]", "line 1: benchmark is []; write a name, or a list of names"),
            ("[\"mock\", 1]", "write a name, or a list of names"),
            ("[\"mock\", \"rular\"]", "line 1: there is no benchmark \"rular\""),
        ] {
            let error = read("a.toml", &format!("benchmark = {benchmark}")).unwrap_err();
            assert!(error.contains(expected), "{benchmark}: {error}");
        }
        let error = read("a.toml", "benchmark = \"mock\"\n[counting]\nup-to = 4").unwrap_err();
        assert!(error.contains("line 2: a table of counting, and benchmark is mock"), "{error}");
        let error = read_for(&["counting"], "a.toml", "benchmark = [\"mock\"]").unwrap_err();
        assert!(error.contains("line 1: benchmark is mock, and this is bench counting"), "{error}");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, expected) in [
            (
                "model = \"a\"\nattenton = \"dense\"",
                "line 2: there is no option \"attenton\"; did you mean attention?",
            ),
            ("resume = \"x\"", "line 1: resume is given on the command line, not in a file"),
            ("max_samples = 2", "there is no option \"max_samples\"; did you mean max-samples?"),
            ("qqqqq = 2", "there is no option \"qqqqq\"; cargo xtask bench mock --help lists them"),
            ("max-samples = \"many\"", "--max-samples"),
            ("max-samples = [1, 2]", "line 1: max-samples takes one value, and there are 2"),
            ("attention = []", "empty list"),
            ("evict = 1", "write true or false"),
            ("set = [[1]]", "neither a text nor a number"),
            ("benchmark = \"ruler\"", "there is counting, mock"),
            ("seed = 1\nmodel = ", "a.toml: line 2: "),
        ] {
            let error = read_for(&["mock"], "a.toml", text).unwrap_err();
            assert!(error.contains(expected) && error.contains("a.toml"), "{text}: {error}");
        }
        let error = read_for(&["mock"], "a.json", "{\"modle\": 1}").unwrap_err();
        assert!(error.contains("a.json: there is no option \"modle\"; did you mean model?"), "{error}");
    }
}
