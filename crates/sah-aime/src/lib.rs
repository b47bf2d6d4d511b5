//! AIME 2024 and 2025: 30 competition problems a year, whose answers are integers from 0 to 999.
//!
//! # Overview
//!
//! - [`Aime`] is the benchmark of one [`Edition`]: it loads samples from a [`DataSource`](sah_bench_core::data::DataSource) and
//!   scores the answers of a model. It implements [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Verdict`] is what an answer is worth, [`Rates`] what becomes of many.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! There is no official scorer. An answer is right if [`sah_metrics::final_integer`] finds the right integer in it, which is so
//! where at least three of four published harnesses say right.
//!
//! ```
//! use sah_aime::Verdict;
//!
//! let verdict = Verdict::new(r"So the answer is $\boxed{033}$.", 33);
//! assert!(verdict.is_right && verdict.is_boxed);
//! ```

mod answer;
mod benchmark;
mod dataset;
mod edition;
mod error;
mod predictions;
mod rates;
mod sample;

pub use answer::Verdict;
pub use benchmark::Aime;
pub use edition::Edition;
pub use error::Error;
pub use predictions::{PredictionScores, score_predictions};
pub use rates::Rates;
