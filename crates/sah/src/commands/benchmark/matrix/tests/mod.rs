//! Matrices whose processes are scripted: nothing is started and no time passes.

mod ends;
mod messages;
mod schedule;
mod scripted_host;
mod settled;
mod stops;

use std::sync::atomic::AtomicBool;

use clap::Parser as _;

use self::scripted_host::ScriptedHost;
use super::super::outcome::Outcome;
use super::super::plan::Plan;
use super::super::testing::Recorder;
use crate::args::{Cli, MessageArgs};

/// `options` of messages, as on the command line.
fn messages(options: &[&str]) -> MessageArgs {
    Cli::try_parse_from([&["sah", "models"], options].concat()).unwrap().messages
}

/// What comes of `plan` with the processes of `host`.
fn run(host: &mut ScriptedHost<'_>, plan: &Plan<'_>) -> Outcome {
    run_until(&AtomicBool::new(false), host, plan)
}

/// The same, until `stop` is set.
fn run_until(stop: &AtomicBool, host: &mut ScriptedHost<'_>, plan: &Plan<'_>) -> Outcome {
    super::run_on(host, plan, &messages(&[]), &mut Recorder::default(), stop).unwrap()
}

/// The names of the cells that have results.
fn finished(outcome: &Outcome, plan: &Plan<'_>) -> Vec<String> {
    let of_model = |(model, runs): (usize, &Vec<sah_bench_core::FinishedRun>)| {
        let run_name = plan.models[model].run_name.clone();
        runs.iter().map(move |run| format!("{run_name}/{}", run.attention)).collect::<Vec<_>>()
    };
    outcome.finished.iter().enumerate().flat_map(of_model).collect()
}

/// The names of the cells that failed, with the kinds and texts of their failures.
fn failed(outcome: &Outcome, plan: &Plan<'_>) -> Vec<String> {
    let failed = outcome.failed.iter();
    failed
        .map(|(cell, failure)| format!("{}: {:?}: {}", plan.name(*cell), failure.kind, failure.message))
        .collect()
}
