//! What every long-context benchmark shares: samples, grouping by context, the run itself, and the result files.
//!
//! # Overview
//!
//! - [`Benchmark`] is what a benchmark implements: its subsets, its [`Sample`]s, its scorer.
//! - [`data`] reads data sets: Parquet and JSON Lines, from folders and the hub.
//! - [`select_subsets`] and [`load_samples`] choose what is run.
//! - [`RunFolder`] is where the results go. It is made before the model is loaded, so that a folder that cannot be used
//!   is found early, and it is complete when it holds `metrics.json`.
//! - [`Runner`] puts the samples through a [`ModelAdapter`](sah_request::ModelAdapter): one request for each distinct
//!   context, however many rows ask about it. Every finished group is in the [`Journal`] before the next one starts, and a
//!   context that fails costs only its own rows. A [`RunObserver`] hears about progress; nothing here prints.
//! - [`RunFolder::finish`] writes the rows as CSV and Parquet, scores them, and gives a [`FinishedRun`]; two or more of
//!   them make a [`ComparisonFile`].
//! - A [`Shard`] is a part of a run that a process of its own does: [`Runner::run_shard`], then [`RunFolder::finish_shard`], and
//!   [`merge_shards`] once all are done.
//! - What figures mean and how they are shown, wherever they are, is said by [`Units`], [`Grid`] and [`FurtherFigures`].
//! - [`read_results`] and [`read_micro_metrics`] give the rows of finished runs back, and [`FinishedRun::read`] the rest.
//!
//! The files are described in `docs/results-format.md`. The crate needs no libtorch: it knows models only through
//! `sah_request`'s trait.
//!
//! # A run, from subsets to scores
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::sync::atomic::AtomicBool;
//!
//! use sah_request::{Answer, ContextStats, GenerationParams, ModelAdapter, Request, RequestLimits, RequestResponse};
//! use sah_bench_core::{
//!     Benchmark, Column, ColumnKind, Error, NoTokenizer, RowScore, RunFolder, RunMeasures, Runner, Sample, TokenCount, Value,
//!     load_samples, select_subsets,
//! };
//!
//! /// Asks for the first word of a text.
//! struct FirstWord;
//!
//! impl Benchmark for FirstWord {
//!     fn name(&self) -> &str { "first_word" }
//!     fn subsets(&self) -> Vec<&str> { vec!["short", "long"] }
//!     fn extra_columns(&self) -> &'static [Column] { &[Column { name: "answers", kind: ColumnKind::TextList }] }
//!
//!     fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
//!         Ok(subsets
//!             .iter()
//!             .map(|task| Sample {
//!                 task: (*task).to_owned(),
//!                 context: format!("{task} is how this text begins."),
//!                 question: "Which word comes first?".to_owned(),
//!                 answer_prefix: "Answer: ".to_owned(),
//!                 max_new_tokens: 8,
//!                 extra: vec![Value::TextList(vec![(*task).to_owned()])],
//!             })
//!             .collect())
//!     }
//!
//!     fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
//!         Ok(RowScore { value: f64::from(answer == sample.task) * 100.0, bucket: None })
//!     }
//!
//!     fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
//!         std::slice::from_ref(&sample.task)
//!     }
//! }
//!
//! /// Always answers "short".
//! struct Parrot;
//!
//! impl ModelAdapter for Parrot {
//!     fn process_request(
//!         &self,
//!         request: &Request,
//!         _: &GenerationParams,
//!         _: &RequestLimits,
//!     ) -> Result<RequestResponse, sah_request::ModelError> {
//!         let answers = request.questions.iter().map(|_| Answer { text: "short".to_owned(), ..Answer::default() });
//!         Ok(RequestResponse { answers: answers.collect(), context: ContextStats::default() })
//!     }
//! }
//!
//! # let directory = tempfile::tempdir()?;
//! # let result_dir = directory.path();
//! let subsets = select_subsets(&FirstWord, None)?;
//! let samples = load_samples(&FirstWord, &subsets, None, &NoTokenizer)?;
//! let mut folder = RunFolder::create(result_dir, "my-run", "dense")?;
//! let config = serde_json::json!({"model": "parrot", "attention": null, "dtype": "f32", "device": "cpu"});
//! folder.write_config(&config)?;
//!
//! let runner = Runner {
//!     benchmark: &FirstWord,
//!     repeats: NonZeroUsize::MIN,
//!     adapter: &Parrot,
//!     generation: &GenerationParams::default(),
//!     limits: &RequestLimits::default(),
//!     plain_subsets: &[],
//!     stop: &AtomicBool::new(false),
//! };
//! let outcome = runner.run(samples, &mut folder, &mut ())?;
//! assert_eq!(outcome.rows_failed, 0);
//!
//! let measures = RunMeasures { run_seconds: outcome.seconds, ..RunMeasures::default() };
//! let finished = folder.finish(&FirstWord, &config, &outcome.records, measures)?;
//! assert_eq!(finished.metrics.overall_score, Some(50.0));
//! assert!(result_dir.join("my-run/dense/raw_results.csv").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod benchmark;
mod comparison;
pub mod data;
mod error;
mod further;
mod grid;
mod grouping;
mod means;
mod mock;
mod observer;
mod repeats;
mod results;
mod runner;
mod sample;
mod selection;
mod shard;
pub mod statistics;
mod units;

pub use benchmark::{Benchmark, FollowUp, Leaderboard, Metrics, RowScore, TaskScore};
pub use comparison::{
    AgainstBaseline, AttentionSummary, ComparisonFile, DENSE, ScoreDifference, Seconds, TaskComparison,
};
pub use error::{DataError, DataErrorKind, Error, Named, full_text};
pub use further::{FurtherBeside, FurtherFigure, FurtherFigures};
pub use grid::{Grid, GridSide};
pub use grouping::group_by_context;
pub use mock::MockBenchmark;
pub use observer::{GroupFinished, GroupStarted, RunObserver};
pub use repeats::{IntervalFigure, RepeatFigures, Repeats, pass_at};
pub use results::{
    AnswerLimits, ChatTemplateConfig, ContextMetrics, Cost, DataConfig, DetailedResults, Distribution,
    FinishedRun, GenerationConfigUsed, Journal, JournalContents, LayerMetrics, MeasuredHead, MeasuredHeads,
    MicroSummary, ModelConfig, PerRow, Phase, ResultRow, ResultRows, Resumed, RunConfig, RunFolder,
    RunMeasures, ShardResults, TaskCost, TemplateThinking, Versions, Warning, WarningKind, check_run_name,
    check_writable, merge_shards, read_journal, read_json, read_micro_metrics, read_results, replace_file,
    write_file, write_json,
};
pub use runner::{RunOutcome, Runner};
pub use sah_request::{NoTokenizer, TokenCount};
pub use sample::{Column, ColumnKind, Reasoning, Record, RecordStats, Sample, Value, samples_hash};
pub use selection::{MANY_ROWS, first_of_each_task, load_samples, select_subsets};
pub use shard::Shard;
pub use units::{Layout, Scale, Units};
