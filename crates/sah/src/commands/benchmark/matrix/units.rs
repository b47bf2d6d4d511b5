//! What one process does, and where: the parts that are left, divided over the devices.

use std::time::Instant;

use super::super::parts::Part;
use super::super::plan::Plan;
use super::host::Slot;

/// What one process does.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// One at least, all of one model.
    pub(super) parts: Vec<Part>,
    /// How often it was started.
    pub(super) attempts: u32,
    /// It waits until then.
    pub(super) not_before: Instant,
}

/// What is left to do: each part by itself, or all parts of a model at once where they share contexts.
pub(super) fn units(plan: &Plan<'_>, now: Instant) -> Vec<Unit> {
    let left: Vec<Part> = plan.parts().into_iter().filter(|part| !plan.is_done(*part)).collect();
    let shares_contexts = plan.args.limits.keep_contexts > 0.0;
    let of_one_process = |one: &Part, other: &Part| shares_contexts && one.cell.model == other.cell.model;
    let unit = |parts: &[Part]| Unit { parts: parts.to_vec(), attempts: 0, not_before: now };
    left.chunk_by(of_one_process).map(unit).collect()
}

/// Where processes run at the same time: on the devices in turn, each with an equal share of `threads`. The last is used first.
pub(super) fn slots(plan: &Plan<'_>, threads: usize) -> Vec<Slot> {
    let devices = &plan.args.models.device;
    let jobs = plan.args.execution.jobs.map_or(devices.len(), |jobs| usize::from(jobs.get()));
    let threads = (threads / jobs).max(1);
    let slot = |number: usize| Slot { device: devices[number % devices.len()].clone(), threads };
    (0..jobs).rev().map(slot).collect()
}
