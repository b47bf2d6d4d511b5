//! Files for `bench NAME --config` and `submit slurm`: a benchmark, and options by the names of their flags.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Arg;
use sah_bench_core::data::read_text;
use sah_message::{meant, nearest};
use serde_json::{Map, Value};

use crate::args::{self, BenchOptions};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::usage::UsageError;

/// Names the benchmark, so that a file is not taken for one of another.
const BENCHMARK: &str = "benchmark";
/// Has what only `submit slurm` needs.
const SLURM: &str = "slurm";
/// Flags that say what is done with a plan, and are no part of it.
const NOT_IN_FILES: [&str; 7] = ["config", "resume", "dry-run", "cell", "shard", "collect", "worker"];

/// A plan as its file has it.
#[derive(Clone, Debug)]
pub(crate) struct PlanFile {
    source: Source,
    /// The benchmark and the options.
    pub(crate) options: BenchOptions,
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
    /// Reads a plan for the benchmark of the command line, or where that names none, for the one that the file names. Names and
    /// kinds of all options are checked, values by the parsers of their flags.
    pub(crate) fn read(
        benchmarks: &Benchmarks,
        path: &Path,
        benchmark: Option<&str>,
    ) -> anyhow::Result<Self> {
        let text = read_text(path)?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let parsed = if is_json {
            serde_json::from_str::<Map<String, Value>>(&text).map_err(anyhow::Error::from)
        } else {
            toml::from_str::<Map<String, Value>>(&text).map_err(|error| anyhow!(toml_problem(&error, &text)))
        };
        let mut table = parsed.map_err(|error| UsageError(format!("{}: {error:#}", path.display())))?;
        let source = Source { path: path.to_path_buf(), text };
        let wrong =
            |key: &str, error: &dyn std::fmt::Display| UsageError(format!("{}: {error}", source.place(key)));
        let named = table.shift_remove(BENCHMARK).map(|value| {
            let name =
                value.as_str().ok_or_else(|| UsageError(format!("benchmark is {value}; write a name")))?;
            benchmarks.find(name)
        });
        let named = named.transpose().map_err(|error| wrong(BENCHMARK, &error))?;
        let entry = match (benchmark.map(|name| benchmarks.find(name)).transpose()?, named) {
            (Some(entry), Some(named)) if named.name() != entry.name() => {
                let text = format!("benchmark is {}, and this is bench {}", named.name(), entry.name());
                bail!(wrong(BENCHMARK, &text));
            }
            (Some(entry), _) | (None, Some(entry)) => entry,
            (None, None) => {
                let there_is = benchmarks.names();
                bail!(UsageError(format!(
                    "{}: write benchmark = \"NAME\"; there is {there_is}",
                    path.display()
                )));
            }
        };
        let slurm = table.shift_remove(SLURM);
        let mut options = BenchOptions::none(entry);
        for (name, value) in table {
            take(&mut options, entry, &name, value).map_err(|error| wrong(&name, &error))?;
        }
        let checked = options.parse(benchmarks);
        checked.map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
        Ok(Self { source, options, slurm })
    }

    /// The place of the table `slurm`, for errors in it.
    pub(crate) fn slurm_place(&self) -> String {
        self.source.place(SLURM)
    }
}

/// Adds an option of a file to `options`.
fn take(
    options: &mut BenchOptions,
    entry: &dyn BenchmarkEntry,
    name: &str,
    value: Value,
) -> anyhow::Result<()> {
    let command = args::of_benchmark(entry);
    let is_called = |argument: &&Arg, name: &str| {
        argument.get_long() == Some(name)
            || argument.get_all_aliases().is_some_and(|aliases| aliases.contains(&name))
    };
    let known = |name: &str| command.get_arguments().find(|argument| is_called(argument, name));
    let Some(argument) = known(name).filter(|_| !NOT_IN_FILES.contains(&name)) else {
        let names = command.get_arguments().filter_map(|argument| argument.get_long());
        let names = names.filter(|name| !NOT_IN_FILES.contains(name)).chain([BENCHMARK, SLURM]);
        let names: Vec<&str> = names.collect();
        if NOT_IN_FILES.contains(&name) {
            bail!("{name} is given on the command line, not in a file");
        }
        if nearest(name, names.iter().copied()).is_empty() {
            bail!("there is no option {name:?}; cargo xtask bench {} --help lists them", entry.name());
        }
        bail!("there is no option {name:?}; {}", meant(name, names));
    };
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
        (true, value) => options.push(name, vec![text(name, &value)?]),
    }
    Ok(())
}

impl Source {
    /// The file and, where it can be told, the line of an option.
    fn place(&self, name: &str) -> String {
        let path = self.path.display();
        let line = toml::de::DeTable::parse(&self.text).ok().and_then(|table| {
            let (key, _) = table.get_ref().iter().find(|(key, _)| key.get_ref() == name)?;
            Some(self.text[..key.span().start].matches('\n').count() + 1)
        });
        line.map_or_else(|| path.to_string(), |line| format!("{path}, line {line}"))
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
    use crate::benchmarks::Benchmarks;

    fn read(name: &str, text: &str) -> Result<PlanFile, String> {
        read_for(None, name, text)
    }

    /// For the benchmark of a command line.
    fn read_for(benchmark: Option<&str>, name: &str, text: &str) -> Result<PlanFile, String> {
        let folder = std::env::temp_dir().join(format!(
            "sah-plan-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let read =
            PlanFile::read(&Benchmarks::for_tests(), &path, benchmark).map_err(|error| format!("{error:#}"));
        fs::remove_dir_all(&folder).unwrap();
        read
    }

    #[test]
    fn toml_and_json_mean_the_same_as_flags() {
        let toml = "benchmark = \"mock\"\nmodel = [\"a\", \"b\"]\nattention = \"dense\"\nmax-samples = 2\nevict = false\n\
             temperature = 0.5\ntimeout = \"2h\"\n[slurm]\npartition = \"gpu\"\n";
        let json = r#"{"benchmark": "mock", "model": ["a", "b"], "attention": ["dense"], "max-samples": 2,
            "temperature": 0.5, "timeout": "2h"}"#;
        let (toml, json) = (read("a.toml", toml).unwrap(), read("a.json", json).unwrap());
        // In which order a file has its keys means nothing.
        let arguments = |file: &PlanFile| {
            let mut arguments = file.options.arguments();
            arguments[2..].sort();
            arguments
        };
        assert_eq!(arguments(&toml), arguments(&json));
        assert_eq!(
            arguments(&toml)[2..],
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
        assert_eq!(read_for(Some("mock"), "a.toml", mock).unwrap().options.arguments(), ["bench", "mock"]);
        assert_eq!(read("a.toml", mock).unwrap().options.arguments(), ["bench", "mock"]);
        let error = read_for(Some("counting"), "a.toml", mock).unwrap_err();
        assert!(error.contains("line 1: benchmark is mock, and this is bench counting"), "{error}");
        let any = read_for(Some("mock"), "a.toml", "seed = 1").unwrap();
        assert_eq!(any.options.arguments(), ["bench", "mock", "--seed=1"]);
    }

    #[test]
    fn a_file_for_no_benchmark_runs_none() {
        let error = read("a.toml", "seed = 1").unwrap_err();
        assert!(error.contains("write benchmark = \"NAME\"; there is counting, mock"), "{error}");
    }

    #[test]
    fn a_benchmark_s_own_flags_are_options_of_its_files_alone() {
        let own = read("a.toml", "benchmark = \"counting\"\nup-to = 4\n").unwrap();
        assert_eq!(own.options.arguments(), ["bench", "counting", "--up-to=4"]);
        let error = read("a.toml", "benchmark = \"mock\"\nup-to = 4\n").unwrap_err();
        assert!(error.contains("line 2: there is no option \"up-to\""), "{error}");
        let error = read("a.toml", "benchmark = \"counting\"\ndata = \"hub\"\n").unwrap_err();
        assert!(error.contains("line 2: there is no option \"data\""), "{error}");
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
            let error = read_for(Some("mock"), "a.toml", text).unwrap_err();
            assert!(error.contains(expected) && error.contains("a.toml"), "{text}: {error}");
        }
        let error = read_for(Some("mock"), "a.json", "{\"modle\": 1}").unwrap_err();
        assert!(error.contains("a.json: there is no option \"modle\"; did you mean model?"), "{error}");
    }
}
