//! The command line `sah`, as a library: the runner behind `cargo xtask bench`, `score`, `report`, `compare`, `results`,
//! `generate`, `models`, `maskers`, `convert`, `calibrate` and `doctor MODEL`.
//!
//! [`App`] is all of it. A project that has pieces of its own adds them and has the whole command line.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
//! 3 done but some rows have no answer, 4 some cells of a matrix or some of several benchmarks failed, 75 failed for a reason that may pass (network, busy
//! device), 130 stopped by Ctrl-C.

#![expect(clippy::print_stderr, reason = "a command line program talks to its user")]

#[cfg(test)]
extern crate self as sah;

mod app;
mod args;
mod attention;
mod benchmarks;
mod caller;
mod chart;
mod commands;
mod device;
mod download;
mod exit;
mod failure;
mod generation_config;
mod interrupt;
mod logging;
mod machine;
mod memory;
mod model;
mod models;
mod plan_file;
mod program;
mod remedies;
mod resume;
mod terminal;
mod thinking;
mod threads;
mod usage;
mod versions;

pub use app::{App, ConfigNames};
pub use benchmarks::{
    BenchmarkEntry, BenchmarkFacts, DataOrigin, Opened, PredictionScorer, PromptRule, ScoredPredictions,
    SimpleEntry,
};
pub use caller::{AnswerListener, Caller, Progress, Step};
pub use failure::{Failure, FailureKind};
pub use models::Models;
pub use sah_request::ThoughtsInAnswers;
pub use usage::UsageError;
