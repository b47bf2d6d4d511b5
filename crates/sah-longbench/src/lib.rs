//! LongBench and LongBench-E: data sets, prompts and the official scores.
//!
//! # Overview
//!
//! - [`LongBench`] is the benchmark: it loads samples from a [`DataSource`] and scores the answers of a model. It
//!   implements [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Task`] describes one of the 34 configs ([`TASKS`]): its metric, its limit on new tokens, and whether only the
//!   first line of an answer counts. [`Task::score`] scores one answer.
//! - [`Metric`] is how a task compares an answer with a reference: by a metric of [`sah_metrics`], or by one of its own
//!   ([`metrics`]). Figures are those of the official Python scorer in every digit.
//! - [`score_predictions`] scores a folder of predictions that something else made.
//!
//! Nothing here needs libtorch or a model.
//!
//! ```
//! use sah_longbench::Task;
//!
//! let task = Task::find("hotpotqa").expect("a LongBench task");
//! let score = task.score("It is Paris.", &["Paris".to_owned()], None)?;
//! assert_eq!(score, 0.5); // one of three words is right, and it is the whole reference
//! # Ok::<(), sah_longbench::MetricError>(())
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "scores are the official ones in every digit"))]

mod aggregate;
mod benchmark;
mod dataset;
mod error;
mod evaluate;
pub mod metrics;
mod predictions;
mod sample;
mod tasks;

pub use aggregate::{BUCKETS, bucket, bucket_scores, mean_of_scores, task_score};
pub use benchmark::{DataSource, HUB_ID, LongBench};
pub use error::Error;
pub use metrics::{Metric, MetricError};
pub use predictions::{PredictionScores, score_predictions};
pub use sah_bench_core::data::RowsWithThoughts;
pub use tasks::{SUBSETS, TASKS, Task};
