//! LooGLE: its four tasks, data and the official automatic scores.
//!
//! # Overview
//!
//! - [`Loogle`] is the benchmark: it loads samples from the hub, a folder or the bundled sample and scores answers. It
//!   implements [`sah_bench_core::Benchmark`], so the runner of that crate drives it.
//! - [`Task`] describes one of the four tasks ([`TASKS`]). [`text_scores`] and [`cloze_scores`] score an answer.
//! - [`score_predictions`] scores a file of predictions that something else made.
//!
//! Nothing here needs libtorch or a model. `BERTScore` and the judgement by GPT-4, which need one, are left out; METEOR needs
//! a WordNet ([`Loogle::with_wordnet`]).
//!
//! ```
//! use sah_loogle::text_scores;
//!
//! let scores = text_scores("the cat sat", "the cat sat down", None);
//! assert_eq!(scores.rouge_1, Some(0.75));
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "scores are the official ones in every digit"))]

mod benchmark;
mod dataset;
mod error;
mod predictions;
mod scores;
mod tasks;

pub use benchmark::{HUB_ID, Loogle};
pub use error::Error;
pub use predictions::{ScoredTask, score_predictions};
pub use scores::{Figures, Score, TextScores, cloze_scores, figures, text_scores};
pub use tasks::{SUBSETS, TASKS, Task};
