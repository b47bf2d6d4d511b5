//! ZeroSCROLLS: its ten tasks, data and the official scores.
//!
//! # Overview
//!
//! - [`ZeroScrolls`] is the benchmark: it loads samples from the hub, a folder or the bundled sample and scores answers. It
//!   implements [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Task`] describes one of the ten tasks ([`TASKS`]): its metric, its limit on new tokens. [`Task::score`] scores an answer,
//!   [`Task::figure`] adds up.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! Nothing here needs libtorch or a model.
//!
//! ```
//! use sah_zeroscrolls::Task;
//!
//! let task = Task::find("space_digest").expect("a task");
//! assert_eq!(task.score("About 40%.", &["50%".to_owned()]).value(), 50.0);
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "scores are the official ones in every digit"))]

mod benchmark;
mod dataset;
mod predictions;
mod scores;
mod tasks;

pub use benchmark::{HUB_ID, Split, ZeroScrolls, rouge_table};
pub use predictions::{Figures, figures, score_predictions};
pub use scores::Score;
pub use tasks::{Metric, SUBSETS, TASKS, Task};
