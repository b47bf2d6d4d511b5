//! Data sets of the user: rows from files or the hub, scored by a metric of choice.
//!
//! # Overview
//!
//! - [`Custom`] is the benchmark: it has the rows of a [`Source`], and a [`Metric`]. It implements
//!   [`sah_bench_core::Benchmark`], so the runner of that crate drives it. Its subsets are the tasks of the rows.
//! - [`Metric`] is any of `sah_metrics`, by name.
//!
//! ```
//! use sah_custom::Metric;
//!
//! let metric = Metric::find("f1").expect("a metric");
//! assert_eq!(metric.score("It is Paris.", &["Rome".to_owned(), "Paris".to_owned()]), 50.0);
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "figures of small cases are exact"))]

mod benchmark;
mod dataset;
mod error;
mod metric;

pub use benchmark::Custom;
pub use dataset::Source;
pub use error::Error;
pub use metric::Metric;
