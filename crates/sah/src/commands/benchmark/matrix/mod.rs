//! Cells in processes of their own, several at once, each watched.

mod host;
mod local_host;
mod scheduler;
#[cfg(test)]
mod tests;
mod units;
mod worker;

use std::sync::atomic::AtomicBool;

use self::host::Host;
use self::local_host::LocalHost;
use self::scheduler::{Scheduler, Unfinished};
use super::outcome::Outcome;
use super::plan::Plan;
use super::progress::Screen;
use crate::args::MessageArgs;
use crate::failure::{Failure, FailureKind};
use crate::program::Program;

/// Does the cells of `plan` that are not finished, each in a process of `program`, until `stop` is set.
pub(super) fn run(
    program: &Program,
    plan: &Plan<'_>,
    messages: &MessageArgs,
    screen: &mut dyn Screen,
    stop: &AtomicBool,
) -> anyhow::Result<Outcome> {
    run_on(&mut LocalHost::new(program), plan, messages, screen, stop)
}

/// The same with the processes of `host`.
fn run_on(
    host: &mut dyn Host,
    plan: &Plan<'_>,
    messages: &MessageArgs,
    screen: &mut dyn Screen,
    stop: &AtomicBool,
) -> anyhow::Result<Outcome> {
    if plan.args.resume.is_none() {
        plan.make_folders()?;
    }
    let threads = tch::get_num_threads().max(1) as usize;
    let work = (units::units(plan, host.now()), units::slots(plan, threads));
    let unfinished = Scheduler::new(plan, messages, screen, host, work).run(stop)?;
    Ok(settle(plan, &unfinished))
}

/// Merges and compares what there is, and starts nothing.
pub(super) fn collect(plan: &Plan<'_>) -> Outcome {
    settle(plan, &Unfinished::default())
}

/// The results of all cells, or why they have none.
fn settle(plan: &Plan<'_>, unfinished: &Unfinished) -> Outcome {
    let mut outcome = Outcome::default();
    for cell in plan.cells() {
        let known = unfinished.failed.iter().find(|(failed, _)| *failed == cell);
        let failure = match plan.settle(cell) {
            Ok(Some(run)) => {
                outcome.finished(cell.model).push(run);
                None
            }
            Ok(None) => Some(Failure::read(&plan.folder(cell)).unwrap_or_else(not_finished)),
            Err(error) => Some(Failure::of(&error.into())),
        };
        if unfinished.left.contains(&cell) {
            outcome.left += 1;
        } else if let Some(failure) = known.map(|(_, failure)| failure.clone()).or(failure) {
            outcome.failed.push((cell, failure));
        }
    }
    outcome
}

/// Of a cell that nobody has finished, or failed to.
fn not_finished() -> Failure {
    Failure {
        kind: FailureKind::Interrupted,
        message: "not finished; what its task wrote says why".to_owned(),
    }
}
