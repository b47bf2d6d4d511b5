//! Files for `bench longbench --config` and `submit slurm`: a benchmark, and options by the names of their flags.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde_json::{Map, Value};

use crate::args::{self, Given};
use crate::benchmarks::BenchmarkName;
use crate::usage::UsageError;

/// Names a benchmark, so that a file is not taken for one of another.
const BENCHMARK: &str = "benchmark";
/// Has what only `submit slurm` needs.
const SLURM: &str = "slurm";
/// Flags that say what is done with a plan, and are no part of it.
const NOT_IN_FILES: [&str; 7] = ["config", "resume", "dry-run", "cell", "shard", "collect", "worker"];

/// A plan as its file has it.
#[derive(Clone, Debug)]
pub(crate) struct PlanFile {
    path: PathBuf,
    text: String,
    /// The options, and the benchmark where the file names one.
    pub(crate) given: Given,
    names_benchmark: bool,
    /// The table `slurm`.
    pub(crate) slurm: Option<Value>,
}

impl PlanFile {
    /// Reads the file. Names and kinds of all options are checked, values by the parsers of their flags.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let parsed = if is_json {
            serde_json::from_str::<Map<String, Value>>(&text).map_err(anyhow::Error::from)
        } else {
            toml::from_str::<Map<String, Value>>(&text).map_err(anyhow::Error::from)
        };
        let options = parsed.map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
        let mut file = Self {
            path: path.to_path_buf(),
            text,
            given: Given::default(),
            names_benchmark: false,
            slurm: None,
        };
        for (name, value) in options {
            file.take(&name, value).map_err(|error| UsageError(format!("{}: {error}", file.place(&name))))?;
        }
        let checked = file.given.clone().parse();
        checked.map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
        Ok(file)
    }

    fn take(&mut self, name: &str, value: Value) -> anyhow::Result<()> {
        match name {
            BENCHMARK => {
                let name = value.as_str().with_context(|| format!("benchmark is {value}; write a name"))?;
                (self.given.benchmark, self.names_benchmark) = (BenchmarkName::find(name)?, true);
                return Ok(());
            }
            SLURM => {
                self.slurm = Some(value);
                return Ok(());
            }
            _ => {}
        }
        let command = args::command();
        let known = |name: &str| command.get_arguments().find(|argument| argument.get_long() == Some(name));
        let Some(argument) = known(name).filter(|_| !NOT_IN_FILES.contains(&name)) else {
            let names = command.get_arguments().filter_map(|argument| argument.get_long());
            let names: Vec<_> = names.filter(|name| !NOT_IN_FILES.contains(name)).collect();
            bail!("there is no option {name:?}; there is benchmark, slurm, {}", names.join(", "));
        };
        match (argument.get_action().takes_values(), value) {
            (false, Value::Bool(true)) => self.given.push(name, Vec::new()),
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
                self.given.push(name, values);
            }
            (true, value) => self.given.push(name, vec![text(name, &value)?]),
        }
        Ok(())
    }

    /// The options, for `benchmark`.
    pub(crate) fn for_benchmark(self, benchmark: BenchmarkName) -> anyhow::Result<Given> {
        let named = self.given.benchmark;
        if self.names_benchmark && named != benchmark {
            let place = self.place(BENCHMARK);
            let (named, is) = (named.name(), benchmark.name());
            bail!(UsageError(format!("{place}: benchmark is {named}, and this is bench {is}")));
        }
        Ok(self.given.of(benchmark))
    }

    /// The file and, where it can be told, the line of an option.
    fn place(&self, name: &str) -> String {
        let path = self.path.display();
        let line = toml::de::DeTable::parse(&self.text).ok().and_then(|table| {
            let (key, _) = table.get_ref().iter().find(|(key, _)| key.get_ref() == name)?;
            Some(self.text[..key.span().start].matches('\n').count() + 1)
        });
        line.map_or_else(|| path.to_string(), |line| format!("{path}, line {line}"))
    }

    /// The place of the table `slurm`, for errors in it.
    pub(crate) fn slurm_place(&self) -> String {
        self.place(SLURM)
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
    use crate::benchmarks::BenchmarkName;

    fn read(name: &str, text: &str) -> Result<PlanFile, String> {
        let folder = std::env::temp_dir().join(format!(
            "sah-plan-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let read = PlanFile::read(&path).map_err(|error| format!("{error:#}"));
        fs::remove_dir_all(&folder).unwrap();
        read
    }

    #[test]
    fn toml_and_json_mean_the_same_as_flags() {
        let toml = "benchmark = \"longbench\"\nmodel = [\"a\", \"b\"]\nattention = \"dense\"\nmax-samples = 2\nevict = false\n\
             temperature = 0.5\ntimeout = \"2h\"\n[slurm]\npartition = \"gpu\"\n";
        let json = r#"{"benchmark": "longbench", "model": ["a", "b"], "attention": ["dense"], "max-samples": 2,
            "temperature": 0.5, "timeout": "2h"}"#;
        let (toml, json) = (read("a.toml", toml).unwrap(), read("a.json", json).unwrap());
        // In which order a file has its keys means nothing.
        let arguments = |file: &PlanFile| {
            let mut arguments = file.given.arguments();
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
        let mock = || read("a.toml", "benchmark = \"mock_benchmark\"").unwrap();
        assert_eq!(mock().for_benchmark(BenchmarkName::Mock).unwrap().arguments(), ["bench", "mock"]);
        let error = mock().for_benchmark(BenchmarkName::LongBench).unwrap_err().to_string();
        assert!(error.contains("benchmark is mock, and this is bench longbench"), "{error}");
        let any = read("a.toml", "seed = 1").unwrap().for_benchmark(BenchmarkName::Mock).unwrap();
        assert_eq!(any.arguments(), ["bench", "mock", "--seed=1"]);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, expected) in [
            (
                "model = \"a\"\nattenton = \"dense\"",
                "line 2: there is no option \"attenton\"; there is benchmark",
            ),
            ("resume = \"x\"", "no option \"resume\""),
            ("max-samples = \"many\"", "--max-samples"),
            ("max-samples = [1, 2]", "line 1: max-samples takes one value, and there are 2"),
            ("attention = []", "empty list"),
            ("evict = 1", "write true or false"),
            ("set = [[1]]", "neither a text nor a number"),
            ("benchmark = \"ruler\"", "there is longbench, mock"),
            ("model = ", "line 1"),
        ] {
            let error = read("a.toml", text).unwrap_err();
            assert!(error.contains(expected) && error.contains("a.toml"), "{text}: {error}");
        }
        let error = read("a.json", "{\"modle\": 1}").unwrap_err();
        assert!(error.contains("a.json: there is no option \"modle\""), "{error}");
    }
}
