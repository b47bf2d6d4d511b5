//! The benchmarks by their names.

use std::error::Error;

use sah_bench_core::{Benchmark, MockBenchmark};
use sah_longbench::{DataSource, LongBench};

use crate::args::{DataArg, DataArgs};
use crate::usage::UsageError;

/// A benchmark that `bench` runs: `bench NAME`, or `benchmark = "NAME"` in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BenchmarkName {
    #[default]
    LongBench,
    Mock,
}

impl BenchmarkName {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::LongBench, Self::Mock];

    /// What it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LongBench => "longbench",
            Self::Mock => "mock",
        }
    }

    /// What it may be called, too.
    pub(crate) const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::LongBench => &["long_bench", "long-bench"],
            Self::Mock => &["mock_benchmark", "mock-benchmark"],
        }
    }

    /// The benchmark with this name or alias, in capitals or not.
    pub(crate) fn find(text: &str) -> Result<Self, UsageError> {
        let is = |name: &str| name.eq_ignore_ascii_case(text);
        let found =
            Self::ALL.into_iter().find(|one| is(one.name()) || one.aliases().iter().any(|alias| is(alias)));
        let names = Self::ALL.map(Self::name).join(", ");
        found.ok_or_else(|| UsageError(format!("there is no benchmark {text:?}; there is {names}")))
    }

    /// The benchmark, over the rows that were asked for.
    pub(crate) fn open(self, data: &DataArgs) -> Result<Box<dyn Benchmark>, UsageError> {
        match self {
            Self::LongBench => Ok(Box::new(LongBench::new(data_source(data)?))),
            Self::Mock => match (&data.data, &data.prompts) {
                (DataArg::Sample, None) => Ok(Box::new(MockBenchmark)),
                _ => Err(UsageError(
                    "the mock benchmark has its own rows; leave out --data and --prompts".to_owned(),
                )),
            },
        }
    }
}

fn data_source(data: &DataArgs) -> Result<DataSource, UsageError> {
    match (&data.data, &data.prompts) {
        (DataArg::Sample, None) => Ok(DataSource::Sample),
        (DataArg::Hub, None) => Ok(DataSource::Hub),
        (DataArg::Folder(path), prompts) => {
            Ok(DataSource::Directory { path: path.clone(), prompts: prompts.clone() })
        }
        (DataArg::Sample | DataArg::Hub, Some(_)) => {
            Err(UsageError("--prompts is for .jsonl files; name their folder with --data DIR".to_owned()))
        }
    }
}

/// What helps with an error of a benchmark's data, where a flag does.
pub(crate) fn remedy(error: &(dyn Error + 'static)) -> Option<String> {
    match error.downcast_ref()? {
        sah_longbench::Error::NoPrompts { .. } => Some("name their file with --prompts".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::BenchmarkName;

    #[test]
    fn a_benchmark_is_found_by_each_of_its_names() {
        for benchmark in BenchmarkName::ALL {
            for name in std::iter::once(&benchmark.name()).chain(benchmark.aliases()) {
                assert_eq!(BenchmarkName::find(name).unwrap(), benchmark);
                assert_eq!(BenchmarkName::find(&name.to_uppercase()).unwrap(), benchmark);
            }
        }
        let error = BenchmarkName::find("ruler").unwrap_err().to_string();
        assert!(error.contains("there is longbench, mock"), "{error}");
    }
}
