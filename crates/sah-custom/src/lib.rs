//! Data sets of the user: rows from files or the hub, scored by a metric of choice.
//!
//! # Overview
//!
//! - [`Custom`] is the benchmark: it has the rows of a [`Source`], and a [`Metric`]. It implements
//!   [`sah_bench_core::Benchmark`], so the runner of that crate drives it. Its subsets are the tasks of the rows.
//! - [`Metric`] is any of `sah_metrics`, by name.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! ```
//! use sah_custom::Metric;
//!
//! let metric = Metric::find("f1").expect("a metric");
//! assert_eq!(metric.score("It is Paris.", &["Rome".to_owned(), "Paris".to_owned()], None), Some(50.0));
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "figures of small cases are exact"))]

mod benchmark;
mod dataset;
mod error;
mod metric;
mod predictions;

pub use benchmark::Custom;
pub use dataset::Source;
pub use error::Error;
pub use metric::Metric;
pub use predictions::{Figures, figures, score_predictions};
