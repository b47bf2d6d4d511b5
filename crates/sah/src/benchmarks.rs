//! The table of benchmarks: all that the command line knows of each is its entry.

mod aime;
mod custom;
mod data_flag;
mod entry;
mod infinitebench;
mod longbench;
mod longbench_v2;
mod loogle;
mod mock;
mod needle;
mod predictions;
mod prompts_flag;
mod ruler;
mod wordnet_flag;
mod zeroscrolls;

/// [`DataOrigin::source`] of rows that are drawn by `--seed`.
pub(crate) const GENERATED: &str = "generated";

/// What helps where a row would be longer than the model has positions.
const ABOVE_POSITIONS: &str =
    "see --lengths, or raise the limit with --positions, as far as the rotary embeddings reach (--rope)";

pub use self::entry::{
    BenchmarkEntry, BenchmarkFacts, DataOrigin, Opened, PredictionScorer, PromptRule, ScoredPredictions,
    SimpleEntry,
};

use sah_aime::Edition;

use crate::args;
use crate::usage::UsageError;

/// Benchmarks by their names.
pub(crate) struct Benchmarks(Vec<Box<dyn BenchmarkEntry>>);

impl Benchmarks {
    /// None.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Those that this project brings along.
    pub(crate) fn standard() -> Self {
        Self::none()
            .with(Box::new(longbench::Entry))
            .with(Box::new(ruler::Entry))
            .with(Box::new(infinitebench::Entry))
            .with(Box::new(loogle::Entry))
            .with(Box::new(zeroscrolls::Entry))
            .with(Box::new(longbench_v2::Entry))
            .with(Box::new(aime::Entry(Edition::Aime2024)))
            .with(Box::new(aime::Entry(Edition::Aime2025)))
            .with(Box::new(needle::Entry))
            .with(Box::new(custom::Entry))
            .with(Box::new(mock::entry()))
    }

    /// One that is not built in, and one that is.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::none().with(Box::new(testing::Counting)).with(Box::new(mock::entry()))
    }

    /// These, and `entry`.
    ///
    /// # Panics
    ///
    /// Where the names or flags of `entry` are taken already: which of the two is meant cannot be told later.
    pub(crate) fn with(mut self, entry: Box<dyn BenchmarkEntry>) -> Self {
        let name = entry.name();
        let names = || std::iter::once(name).chain(entry.aliases().iter().copied());
        if let Some(taken) =
            names().find(|name| args::STATIC_BENCHES.contains(name) || self.find(name).is_ok())
        {
            panic!("there is a `bench {taken}` already");
        }
        if let Some(flag) = args::flag_taken(&*entry) {
            panic!("benchmark {name}: its flag --{flag} is one of every benchmark");
        }
        self.0.push(entry);
        self
    }

    /// All of them, in the order in which they were added.
    pub(crate) fn all(&self) -> impl Iterator<Item = &dyn BenchmarkEntry> {
        self.0.iter().map(|entry| &**entry)
    }

    /// The benchmark with this name or alias, in capitals or not.
    pub(crate) fn find(&self, text: &str) -> Result<&dyn BenchmarkEntry, UsageError> {
        let is = |name: &str| name.eq_ignore_ascii_case(text);
        let found = self.all().find(|one| is(one.name()) || one.aliases().iter().any(|alias| is(alias)));
        found.ok_or_else(|| UsageError(format!("there is no benchmark {text:?}; there is {}", self.names())))
    }

    /// The benchmarks of a list such as `NAME,NAME`.
    pub(crate) fn find_all(&self, text: &str) -> Result<Vec<&dyn BenchmarkEntry>, UsageError> {
        let mut found: Vec<&dyn BenchmarkEntry> = Vec::new();
        for name in text.split(',') {
            let entry = self.find(name.trim())?;
            if found.iter().any(|other| other.name() == entry.name()) {
                return Err(UsageError(format!("{} is named twice", entry.name())));
            }
            found.push(entry);
        }
        Ok(found)
    }

    /// Their names in words.
    pub(crate) fn names(&self) -> String {
        self.all().map(BenchmarkEntry::name).collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Debug for Benchmarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all().map(BenchmarkEntry::name)).finish()
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};
    use sah_bench_core::{Benchmark, MockBenchmark};

    use super::testing::Counting;
    use super::{BenchmarkEntry, Benchmarks};

    /// A benchmark whose name or flag is taken.
    struct Twin {
        name: &'static str,
        flag: &'static str,
    }

    impl BenchmarkEntry for Twin {
        fn name(&self) -> &'static str {
            self.name
        }

        fn about(&self) -> &'static str {
            "The same again"
        }

        fn scorer(&self) -> Box<dyn Benchmark> {
            Box::new(MockBenchmark)
        }

        fn add_flags(&self, command: Command) -> Command {
            command.arg(Arg::new(self.flag).long(self.flag))
        }
    }

    #[test]
    fn a_benchmark_is_found_by_each_of_its_names() {
        let benchmarks = Benchmarks::standard().with(Box::new(Counting));
        for entry in benchmarks.all() {
            for name in std::iter::once(&entry.name()).chain(entry.aliases()) {
                assert_eq!(benchmarks.find(name).unwrap().name(), entry.name());
                assert_eq!(benchmarks.find(&name.to_uppercase()).unwrap().name(), entry.name());
            }
        }
        let error = benchmarks.find("no_such").err().unwrap().to_string();
        assert!(error.contains("there is longbench, ") && error.ends_with("mock, counting"), "{error}");
    }

    #[test]
    #[should_panic(expected = "there is a `bench mock` already")]
    fn a_name_is_taken_once() {
        let _ = Benchmarks::standard().with(Box::new(Twin { name: "mock", flag: "own" }));
    }

    #[test]
    #[should_panic(expected = "its flag --seed is one of every benchmark")]
    fn a_flag_is_taken_once() {
        let _ = Benchmarks::standard().with(Box::new(Twin { name: "twin", flag: "seed" }));
    }
}
