//! InfiniteBench: its twelve tasks, prompts and the official scores.
//!
//! # Overview
//!
//! - [`InfiniteBench`] is the benchmark: it loads samples from the hub, a folder or the bundled sample and scores answers. It
//!   implements [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Task`] describes one of the twelve tasks ([`TASKS`]): its metric, its limit on new tokens. [`Task::score`] scores an
//!   answer as the official scorer does.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! Nothing here needs libtorch or a model.
//!
//! ```
//! use sah_infinitebench::Task;
//!
//! let task = Task::find("longbook_choice_eng").expect("a task");
//! let label = ["A mill".to_owned(), "B".to_owned()];
//! assert_eq!(task.score("The answer is: B", &label)?, 1.0);
//! # Ok::<(), sah_infinitebench::LabelError>(())
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "scores are the official ones in every digit"))]

mod benchmark;
mod dataset;
mod error;
mod metrics;
mod predictions;
mod tasks;

pub use benchmark::{HUB_ID, InfiniteBench, PromptFiles};
pub use error::Error;
pub use metrics::LabelError;
pub use predictions::{Figures, figures, score_predictions};
pub use tasks::{Metric, SUBSETS, TASKS, Task};
