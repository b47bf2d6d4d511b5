//! From finished runs to tables, figures and one HTML page.
//!
//! # Overview
//!
//! - [`Run::read`] reads the folder that `cargo xtask bench` leaves (`docs/results-format.md`): each attention is a
//!   [`Side`], each answer a [`Row`] with the score that the [`Benchmark`](sah_bench_core::Benchmark) gives it.
//! - [`Analysis`] analyses one or more runs: every figure with a 95 % confidence interval ([`statistics`]), and a
//!   [`Comparison`] of two sides, row by row where both answered the same samples.
//! - [`Overview`] is an analysis of each of several benchmarks, with a table over all.
//! - [`tables`] and [`figures`] show an analysis; [`Report`] is all of it: `report.html`, SVG, PNG, CSV, Markdown, LaTeX.
//! - [`list`] finds runs, complete or not.
//!
//! The crate knows no benchmark but through the trait, and needs no libtorch. It never prints.
//!
//! Everything that comes from data or models is escaped where it enters a page, a table or a figure.

mod analysis;
mod attention_errors;
mod comparison;
mod error;
mod excerpt;
pub mod figures;
mod group;
mod html;
mod listing;
mod margin;
mod overview;
mod report;
mod row;
mod run;
mod side;
pub mod tables;
mod visible;

pub use analysis::{Analysis, Scores};
pub use attention_errors::{AttentionErrors, HeadMean, StepFigures};
pub use comparison::{AnswerPair, Comparison, Difference, Pairing};
pub use error::Error;
pub use excerpt::Excerpt;
pub use group::Group;
pub use listing::{Listed, State, list, runs_in};
pub use overview::{Missing, Overview, Part};
pub use report::{OverviewReport, Report};
pub use row::{Row, RowKey};
pub use run::Run;
pub use sah_bench_core::statistics;
pub use side::Side;
pub use visible::visible;
