//! Starts processes where there is room, watches them, and tries again what failed for a passing reason.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sah_bench_core::Shard;

use super::super::parts::{Cell, Part};
use super::super::plan::Plan;
use super::super::progress::{Message, Screen};
use super::host::{Event, Host, Slot, WorkerCommand};
use super::units::Unit;
use super::worker::{Ended, Worker};
use crate::args::{LogFormatArg, MessageArgs};
use crate::failure::{Failure, FailureKind};

/// How long messages alone are waited for.
const TICK: Duration = Duration::from_millis(50);
/// The pause before a unit is tried again, the first time. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// A process at work.
struct Running {
    unit: Unit,
    slot: Slot,
    worker: Worker,
}

/// A matrix that is being run.
pub(super) struct Scheduler<'a> {
    plan: &'a Plan<'a>,
    messages: &'a MessageArgs,
    screen: &'a mut dyn Screen,
    host: &'a mut dyn Host,
    waiting: VecDeque<Unit>,
    free: Vec<Slot>,
    running: Vec<Running>,
    failed: Vec<(Cell, Failure)>,
}

/// What has no results once all processes have ended.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    /// Cells that failed, and why.
    pub(super) failed: Vec<(Cell, Failure)>,
    /// Cells that were not done because the run was stopped.
    pub(super) left: Vec<Cell>,
}

impl<'a> Scheduler<'a> {
    pub(super) fn new(
        plan: &'a Plan<'a>,
        messages: &'a MessageArgs,
        screen: &'a mut dyn Screen,
        host: &'a mut dyn Host,
        (units, slots): (Vec<Unit>, Vec<Slot>),
    ) -> Self {
        Self {
            plan,
            messages,
            screen,
            host,
            waiting: units.into(),
            free: slots,
            running: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Goes on until nothing is left to do, or until `stop` is set and all processes have ended.
    pub(super) fn run(mut self, stop: &AtomicBool) -> anyhow::Result<Unfinished> {
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            if stopping {
                self.running.iter_mut().for_each(|running| running.worker.interrupt());
            }
            while !stopping && let Some((unit, slot)) = self.next() {
                self.start(unit, slot)?;
            }
            if self.running.is_empty() && (stopping || self.waiting.is_empty()) {
                break;
            }
            let mut limit = TICK;
            while let Some(event) = self.host.next_event(limit) {
                self.handle(event);
                limit = Duration::ZERO;
            }
            self.poll()?;
        }
        let left = self.waiting.iter().flat_map(|unit| unit.parts.iter().map(|part| part.cell)).collect();
        Ok(Unfinished { failed: self.failed, left })
    }

    /// The next unit whose time has come, and a free slot for it.
    fn next(&mut self) -> Option<(Unit, Slot)> {
        let now = self.host.now();
        let at = self.waiting.iter().position(|unit| unit.not_before <= now)?;
        let slot = self.free.pop()?;
        Some((self.waiting.remove(at)?, slot))
    }

    fn start(&mut self, mut unit: Unit, slot: Slot) -> anyhow::Result<()> {
        unit.attempts += 1;
        for part in &unit.parts {
            Failure::forget(&self.plan.folder(part.cell));
        }
        let process = self.host.start(&self.command(unit.parts[0], &slot))?;
        let worker = Worker::new(process, self.host.now());
        self.running.push(Running { unit, slot, worker });
        Ok(())
    }

    /// The command line for a unit, whose first part is `part`.
    fn command(&self, part: Part, slot: &Slot) -> WorkerCommand {
        let mut options = vec!["--log-format".to_owned(), self.messages.log_format.name().to_owned()];
        options.extend(self.messages.quiet.then(|| "--quiet".to_owned()));
        if let Some(path) = &self.messages.trace {
            let name = self.plan.part_name(part).replace(['/', ' '], ".");
            options.push(format!("--trace={}", path.with_extension(format!("{name}.json")).display()));
        }
        if self.plan.args.limits.keep_contexts == 0.0 {
            options.extend(self.plan.part_options(part));
        }
        // The process counts parts from the first one of its model.
        let first_part =
            self.plan.number(Part { cell: Cell { attention: 0, ..part.cell }, shard: part.shard });
        WorkerCommand {
            benchmark: self.plan.benchmark.name().to_owned(),
            run: self.plan.models[part.cell.model].path(),
            slot: slot.clone(),
            options,
            first_part: first_part - part.shard.map_or(0, Shard::index),
        }
    }

    /// What runs in the process with this id.
    fn running(&mut self, process: u32) -> Option<&mut Running> {
        self.running.iter_mut().find(|running| running.worker.id() == process)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Message { process, part, message } => self.handle_message(process, part, message),
            Event::Line { process, line } => self.handle_line(process, line),
            Event::Closed { process } => {
                if let Some(running) = self.running(process) {
                    running.worker.closed_pipe();
                }
            }
        }
    }

    /// Notes and shows a message about a part of the process's own unit. Others are no messages of ours.
    fn handle_message(&mut self, process: u32, part: usize, message: Message) {
        let plan = self.plan;
        let Some(running) = self.running(process) else { return };
        if let Message::Failed(failure) = &message {
            running.worker.reported(failure.clone());
        }
        if running.unit.parts.iter().any(|own| plan.number(*own) == part) {
            self.screen.hear(part, message);
        }
    }

    fn handle_line(&mut self, process: u32, line: String) {
        let Some(running) = self.running.iter_mut().find(|running| running.worker.id() == process) else {
            return;
        };
        match self.messages.log_format {
            LogFormatArg::Json => self.screen.line(&line),
            // The error that ends a process is told once, with the outcome.
            LogFormatArg::Text if line.starts_with("error: ") => {}
            LogFormatArg::Text => {
                let name = self.plan.part_name(running.unit.parts[0]);
                self.screen.line(&format!("[{name}] {line}"));
            }
        }
        running.worker.printed(line);
    }

    /// Stops processes that take too long, and deals with those that have ended.
    fn poll(&mut self) -> anyhow::Result<()> {
        let (now, timeout) = (self.host.now(), self.plan.args.execution.timeout);
        let mut ended = Vec::new();
        for (at, running) in self.running.iter_mut().enumerate() {
            if let Some(how) = running.worker.poll(now, timeout)? {
                ended.push((at, how));
            }
        }
        for (at, how) in ended.into_iter().rev() {
            let Running { unit, slot, .. } = self.running.swap_remove(at);
            self.free.push(slot);
            for part in &unit.parts {
                self.screen.leave(self.plan.number(*part));
            }
            match how {
                Ended::Complete => self.completed(unit),
                Ended::Interrupted => self.waiting.push_back(unit),
                Ended::Failed(failure) => self.failed(unit, &failure),
            }
        }
        Ok(())
    }

    /// A process that says it is done has left results for all its parts.
    fn completed(&mut self, unit: Unit) {
        if !unit.parts.iter().all(|part| self.plan.has_results(*part)) {
            let message = "ended as if it were done, and left no results".to_owned();
            self.failed(unit, &Failure { kind: FailureKind::Other, message });
        }
    }

    /// Tries again what may pass, and gives up the rest.
    fn failed(&mut self, mut unit: Unit, failure: &Failure) {
        let retries = self.plan.args.execution.retries;
        if failure.kind.may_pass() && unit.attempts <= retries {
            let name = self.plan.part_name(unit.parts[0]);
            let pause = FIRST_PAUSE * 2_u32.saturating_pow(unit.attempts - 1);
            tracing::warn!(
                cell = name,
                "{name}: {}; trying again in {} s ({} of {retries})",
                failure.message,
                pause.as_secs(),
                unit.attempts
            );
            unit.not_before = self.host.now() + pause;
            self.waiting.push_back(unit);
        } else {
            self.give_up(&unit, failure);
        }
    }

    /// Records the failure for every part of `unit` that is not done.
    fn give_up(&mut self, unit: &Unit, failure: &Failure) {
        let name = self.plan.part_name(unit.parts[0]);
        tracing::warn!(cell = name, "{name} failed, the others go on: {}", failure.message);
        for part in &unit.parts {
            if self.plan.is_done(*part) {
                continue;
            }
            // Where it cannot be written, it is still told at the end.
            if let Err(error) = failure.write(&self.plan.folder(part.cell)) {
                tracing::warn!(cell = name, "{error}");
            }
            self.failed.push((part.cell, failure.clone()));
        }
    }
}
