//! LongBench-v2: 503 questions with four options about texts of 8,000 to two million words, and the official accuracy.
//!
//! # Overview
//!
//! - [`LongBenchV2`] is the benchmark: it loads samples from a [`Source`] and scores the answers of a model. It implements
//!   [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Subset`] is how a question is asked: for the answer at once (`0shot`), or for thoughts before it (`cot`).
//! - [`Accuracy`] is what the official `result.py` makes of answers: overall, by [`Difficulty`] and by [`Length`].
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! An answer is right if the letter that [`sah_metrics::stated_choice`] finds in it is the right one.
//!
//! ```
//! use sah_longbench_v2::{Accuracy, Difficulty, Length};
//!
//! let mut accuracy = Accuracy::default();
//! accuracy.add(Difficulty::Easy, Length::Short, true);
//! accuracy.add(Difficulty::Hard, Length::Short, false);
//! accuracy.add(Difficulty::Hard, Length::Long, false);
//! assert_eq!(accuracy.overall(), Some(33.3));
//! assert_eq!(accuracy.of_length(Length::Medium), None);
//! ```

mod accuracy;
mod benchmark;
mod category;
mod dataset;
mod error;
mod limits;
mod predictions;
mod sample;
mod subset;

pub use accuracy::Accuracy;
pub use benchmark::{HUB_ID, LongBenchV2, Source};
pub use category::{Difficulty, Length};
pub use error::Error;
pub use predictions::{PredictionScores, score_predictions};
pub use subset::Subset;
