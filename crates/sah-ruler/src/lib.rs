//! RULER: rows made for any length, the data sets on the hub, and the official scores.
//!
//! # Overview
//!
//! - [`Ruler`] is the benchmark over [`Rows`], made by a [`Generator`] or read from the hub or a folder. It implements
//!   [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Task`] describes one of the 13 tasks ([`TASKS`]); [`Task::score`] scores one answer, [`task_score`] is a task's figure.
//! - [`Summary`] has all figures of a set of rows: by task and length, the means over lengths, the effective length.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! Nothing here needs libtorch or a model; rows are made with any [`TokenCount`](sah_bench_core::TokenCount).
//!
//! ```
//! use sah_ruler::Task;
//!
//! let task = Task::find("vt").expect("a task of RULER");
//! assert_eq!(task.score("They are QXBRA and jwloe.", &["QXBRA", "JWLOE", "PPQAZ", "MNOIT"]), 0.5);
//! ```

mod benchmark;
mod dataset;
mod error;
mod generator;
mod predictions;
mod summary;
mod tasks;

pub use benchmark::{Rows, Ruler};
pub use dataset::{HUB_ID, HUB_LENGTH};
pub use error::Error;
pub use generator::{Generator, Haystack, VERSION};
pub use predictions::score_predictions;
pub use summary::{OverLengths, ScoredAnswer, Summary, THRESHOLD, bucket};
pub use tasks::{Group, SUBSETS, TASKS, Task, task_score};
