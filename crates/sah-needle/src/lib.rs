//! Needle in a haystack: one sentence hidden at each depth of texts of each length.
//!
//! # Overview
//!
//! - [`Needle`] is the benchmark: a [`Grid`] of lengths and depths, with rows made from a seed, or of the texts
//!   and needles of a data set. It implements
//!   [`sah_bench_core::Benchmark`], so the runner of that crate drives it. Its subsets are the lengths, their buckets the depths.
//! - [`Figures`] is what an answer is worth: whether it contains what was hidden, and the ROUGE figures that kvpress gives.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! Texts, needles and questions that are made are this project's own: scores compare among themselves, and not with published maps.

mod benchmark;
mod error;
mod figures;
mod fit;
mod grid;
mod haystack;
mod predictions;
mod texts;

pub use benchmark::Needle;
pub use error::Error;
pub use figures::Figures;
pub use grid::{GENERATOR, Grid, INSERTER};
pub use predictions::{PredictionScores, score_predictions};
pub use texts::HUB_ID;
