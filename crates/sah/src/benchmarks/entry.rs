//! What the command line must know of a benchmark.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};
use sah_bench_core::{Benchmark, FurtherFigures, Warning};
use sah_request::ThoughtsInAnswers;

/// A benchmark of the command line: `bench NAME`, `benchmark = "NAME"` in a plan, `score NAME`.
///
/// [`SimpleEntry`] is all that a benchmark without flags of its own needs.
pub trait BenchmarkEntry {
    /// What it is called: one word, which its runs have in their `config.json`.
    fn name(&self) -> &'static str;

    /// What it may be called, too.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// What it measures, in one line for `bench --help`.
    fn about(&self) -> &'static str;

    /// Where its rows and its metric come from, for the list of benchmarks.
    fn facts(&self) -> BenchmarkFacts {
        BenchmarkFacts::default()
    }

    /// The benchmark as it scores the rows of finished runs, which it gets with them.
    fn scorer(&self) -> Box<dyn Benchmark>;

    /// The same of a run whose scores were made with `metric_files`, those of [`Benchmark::metric_files`].
    ///
    /// # Errors
    ///
    /// Files that cannot be read any more.
    fn scorer_with(&self, _metric_files: &[PathBuf]) -> anyhow::Result<Box<dyn Benchmark>> {
        Ok(self.scorer())
    }

    /// Adds flags of its own to those of every benchmark. They work in files, plans and resumed runs like all others.
    fn add_flags(&self, command: Command) -> Command {
        command
    }

    /// The benchmark over the rows that its own flags name.
    ///
    /// # Errors
    ///
    /// [`UsageError`](crate::UsageError) where flags contradict each other.
    fn open(&self, _flags: &ArgMatches) -> anyhow::Result<Opened> {
        Ok(self.scorer().into())
    }

    /// How its authors put prompts before a model, where that differs from subset to subset.
    fn prompt_rule(&self) -> Option<PromptRule> {
        None
    }

    /// What helps against an error of its data, as the end of a sentence, where a flag does.
    fn remedy(&self, _error: &(dyn Error + 'static)) -> Option<String> {
        None
    }

    /// How predictions are scored that something else made; `None` where they cannot be.
    fn predictions(&self) -> Option<PredictionScorer> {
        None
    }

    /// Adds flags of its own to those of every `score NAME`.
    fn add_score_flags(&self, command: Command) -> Command {
        command
    }
}

/// Where the rows and the metric of a benchmark come from, a line each. What is empty is not listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BenchmarkFacts {
    /// The values that its flags take for the rows, with the data set on the hub.
    pub data: String,
    /// What an answer is scored by.
    pub metric: &'static str,
    /// Who made it, and the paper.
    pub source: &'static str,
}

/// The entry of a benchmark without flags of its own.
#[derive(Clone, Copy, Debug)]
pub struct SimpleEntry {
    name: &'static str,
    aliases: &'static [&'static str],
    about: &'static str,
    benchmark: fn() -> Box<dyn Benchmark>,
}

impl SimpleEntry {
    /// `name` and `about` are those of [`BenchmarkEntry`].
    #[must_use]
    pub fn new(name: &'static str, about: &'static str, benchmark: fn() -> Box<dyn Benchmark>) -> Self {
        Self { name, aliases: &[], about, benchmark }
    }

    /// With other names.
    #[must_use]
    pub fn with_aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

impl BenchmarkEntry for SimpleEntry {
    fn name(&self) -> &'static str {
        self.name
    }

    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn scorer(&self) -> Box<dyn Benchmark> {
        (self.benchmark)()
    }
}

/// A benchmark that is ready to run.
pub struct Opened {
    /// The benchmark.
    pub benchmark: Box<dyn Benchmark>,
    /// Where its rows come from, for `config.json`.
    pub data: DataOrigin,
    /// What a user should know before the run begins.
    pub note: Option<String>,
    /// What makes scores of these rows mean something else than they seem to.
    pub warnings: Vec<Warning>,
}

/// Where the rows of a run come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataOrigin {
    /// `sample` for rows that the benchmark brings along, `hub`, `folder`, or the benchmark's own word.
    pub source: String,
    /// The data set on the hub, or the folder.
    pub location: Option<String>,
}

/// A benchmark that brings its rows along.
impl From<Box<dyn Benchmark>> for Opened {
    fn from(benchmark: Box<dyn Benchmark>) -> Self {
        let data = DataOrigin { source: "sample".to_owned(), location: None };
        Self { benchmark, data, note: None, warnings: Vec::new() }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { benchmark, data, note, warnings } = self;
        f.debug_struct("Opened")
            .field("benchmark", &benchmark.name())
            .field("data", data)
            .field("note", note)
            .field("warnings", warnings)
            .finish()
    }
}

/// A value of `--chat-template` beside `always` and `never`: some subsets are given as plain text, those for which
/// [`Benchmark::is_plain`] is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptRule {
    /// The value.
    pub name: &'static str,
    /// Whose rule it is and what it does, as the end of a sentence: `as its authors do, who ...`.
    pub about: &'static str,
}

/// How `score NAME` scores a file or a folder of predictions.
#[derive(Clone, Copy, Debug)]
pub struct PredictionScorer {
    /// By which metrics, in one line for `score --help`.
    pub about: &'static str,
    /// Which file or folder it is and what it holds, in one line for `score NAME --help`.
    pub file: &'static str,
    /// Scores the predictions there; `None` takes the thoughts in them as fits all of them. The flags are those of
    /// [`BenchmarkEntry::add_score_flags`].
    pub score: fn(&Path, Option<ThoughtsInAnswers>, &ArgMatches) -> anyhow::Result<ScoredPredictions>,
}

/// The scores of a file or a folder of predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredPredictions {
    /// The columns of the table: what rows are called, and what their figures are.
    pub header: Vec<String>,
    /// The lines of the table.
    pub rows: Vec<Vec<String>>,
    /// What the benchmark gives beside them, each a table.
    pub further: Vec<FurtherFigures>,
    /// All scores in full, for `--json`.
    pub json: serde_json::Value,
    /// How many predictions were scored.
    pub count: usize,
    /// What else is to be said of them, each a sentence without a full stop.
    pub notes: Vec<String>,
}
