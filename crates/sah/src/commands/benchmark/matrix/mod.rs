//! Cells in processes of their own, several at once, each watched.

mod worker;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use sah_bench_core::Shard;

use self::worker::{Ended, Event, Place, Worker};
use super::outcome::Outcome;
use super::parts::{Cell, Part};
use super::plan::Plan;
use super::progress::{Display, Listener as _, Message};
use crate::args::{LogFormatArg, MessageArgs};
use crate::failure::{Failure, FailureKind};
use crate::interrupt;

/// How long nothing is looked at but messages.
const TICK: Duration = Duration::from_millis(50);
/// The pause before a cell is tried again, the first time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// Does the cells of `plan` that are not finished, each in a process of its own.
pub(super) fn run(plan: &Plan<'_>, messages: &MessageArgs, display: &mut Display) -> anyhow::Result<Outcome> {
    if plan.args.resume.is_none() {
        plan.make_folders()?;
    }
    let stop = interrupt::flag()?;
    let todo = units(plan).into_iter().map(|parts| Unit { parts, attempts: 0, not_before: Instant::now() });
    let (sender, events) = channel();
    let mut matrix = Matrix {
        plan,
        messages,
        display,
        todo: todo.collect(),
        places: places(plan),
        running: Vec::new(),
        failed: Vec::new(),
        sender,
        events,
    };
    matrix.run_all(&stop)?;
    let Matrix { todo, mut failed, .. } = matrix;
    let left: Vec<Cell> = todo.iter().flat_map(|unit| unit.parts.iter().map(|part| part.cell)).collect();
    let mut outcome = Outcome::default();
    for cell in plan.cells() {
        match plan.settle(cell) {
            Ok(run) => outcome.finished(cell.model).extend(run),
            Err(error) => failed.push((cell, Failure::of(&error.into()))),
        }
        if left.contains(&cell) {
            outcome.left += 1;
        } else if let Some(failed) = failed.iter().find(|(other, _)| *other == cell) {
            outcome.failed.push(failed.clone());
        }
    }
    Ok(outcome)
}

/// Puts together and compares what there is.
pub(super) fn collect(plan: &Plan<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    for cell in plan.cells() {
        let failure = match plan.settle(cell) {
            Ok(Some(run)) => {
                outcome.finished(cell.model).push(run);
                continue;
            }
            Ok(None) => Failure::read(&plan.folder(cell)).unwrap_or_else(|| Failure {
                kind: FailureKind::Interrupted,
                message: "not finished; what its task wrote says why".to_owned(),
            }),
            Err(error) => Failure::of(&error.into()),
        };
        outcome.failed.push((cell, failure));
    }
    outcome
}

/// What is left to do, in the units that one process does: a part, or all cells of a model where they share contexts.
fn units(plan: &Plan<'_>) -> Vec<Vec<Part>> {
    let left: Vec<Part> = plan.parts().into_iter().filter(|part| !plan.is_done(*part)).collect();
    if plan.args.limits.keep_contexts > 0.0 {
        left.chunk_by(|one, other| one.cell.model == other.cell.model).map(<[Part]>::to_vec).collect()
    } else {
        left.into_iter().map(|part| vec![part]).collect()
    }
}

/// Where processes may run at the same time: on the devices in turn, with equal parts of the threads.
fn places(plan: &Plan<'_>) -> Vec<Place> {
    let devices = &plan.args.models.device;
    let jobs = plan.args.execution.jobs.map_or(devices.len(), |jobs| usize::from(jobs.get()));
    let threads = (tch::get_num_threads().max(1) as usize / jobs).max(1);
    let place = |number: usize| Place { device: devices[number % devices.len()].clone(), threads };
    // The first one is taken last.
    (0..jobs).rev().map(place).collect()
}

/// What one process does.
#[derive(Clone, Debug)]
struct Unit {
    parts: Vec<Part>,
    /// How often it was begun.
    attempts: u32,
    /// It waits until then.
    not_before: Instant,
}

/// A process at work.
#[derive(Debug)]
struct Running {
    unit: Unit,
    place: Place,
    worker: Worker,
}

/// A matrix that is being run.
struct Matrix<'a> {
    plan: &'a Plan<'a>,
    messages: &'a MessageArgs,
    display: &'a mut Display,
    todo: VecDeque<Unit>,
    /// Where nobody works.
    places: Vec<Place>,
    running: Vec<Running>,
    failed: Vec<(Cell, Failure)>,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Matrix<'_> {
    /// Until nothing is left to do, or `stop` is set and everybody has stopped.
    fn run_all(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut told = false;
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            if stopping && !told {
                self.running.iter_mut().for_each(|running| running.worker.interrupt());
                told = true;
            }
            while !stopping && let Some((unit, place)) = self.next() {
                self.start(unit, place)?;
            }
            if self.running.is_empty() && (stopping || self.todo.is_empty()) {
                return Ok(());
            }
            match self.events.recv_timeout(TICK) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            while let Ok(event) = self.events.try_recv() {
                self.take(event);
            }
            self.look()?;
        }
    }

    /// The next unit whose time has come, and a place for it.
    fn next(&mut self) -> Option<(Unit, Place)> {
        let now = Instant::now();
        let at = self.todo.iter().position(|unit| unit.not_before <= now)?;
        let place = self.places.pop()?;
        Some((self.todo.remove(at)?, place))
    }

    fn start(&mut self, mut unit: Unit, place: Place) -> anyhow::Result<()> {
        unit.attempts += 1;
        let part = unit.parts[0];
        let run = &self.plan.models[part.cell.model];
        for part in &unit.parts {
            Failure::forget(&self.plan.folder(part.cell));
        }
        let trace = self.messages.trace.as_ref().map(|path| {
            let name = self.plan.part_name(part).replace(['/', ' '], ".");
            path.with_extension(format!("{name}.json"))
        });
        let mut options = vec!["--log-format".to_owned(), self.messages.log_format.name().to_owned()];
        options.extend(self.messages.quiet.then(|| "--quiet".to_owned()));
        options.extend(trace.map(|path| format!("--trace={}", path.display())));
        if self.plan.args.limits.keep_contexts == 0.0 {
            options.extend(self.plan.part_options(part));
        }
        // What a process calls its first cell is the first of its model here.
        let first = self.plan.number(Part { cell: Cell { attention: 0, ..part.cell }, shard: part.shard });
        let first = first - part.shard.map_or(0, Shard::index);
        let worker = Worker::start(&run.path(), &place, &options, first, &self.sender)?;
        self.running.push(Running { unit, place, worker });
        Ok(())
    }

    /// The process of this number, while it is watched.
    fn running(&mut self, process: u32) -> Option<&mut Running> {
        self.running.iter_mut().find(|running| running.worker.id() == process)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Message { process, cell, message } => {
                if let Message::Failed(failure) = &message
                    && let Some(running) = self.running(process)
                {
                    running.worker.failure = Some(failure.clone());
                }
                self.display.hear(cell, message);
            }
            Event::Line { process, line } => {
                let Some(running) = self.running.iter_mut().find(|running| running.worker.id() == process)
                else {
                    return;
                };
                match self.messages.log_format {
                    // Already as it should be.
                    LogFormatArg::Json => self.display.line(&line),
                    // What ended it is told once, with the outcome.
                    LogFormatArg::Text if line.starts_with("error: ") => {}
                    LogFormatArg::Text => {
                        let name = self.plan.part_name(running.unit.parts[0]);
                        self.display.line(&format!("[{name}] {line}"));
                    }
                }
                running.worker.note(line);
            }
            Event::Closed { process } => {
                if let Some(running) = self.running(process) {
                    running.worker.closed += 1;
                }
            }
        }
    }

    /// Stops those that take too long, and takes note of those that ended.
    fn look(&mut self) -> anyhow::Result<()> {
        let timeout = self.plan.args.execution.timeout;
        let mut ended = Vec::new();
        for (at, running) in self.running.iter_mut().enumerate() {
            if let Some(how) = running.worker.look(timeout)? {
                ended.push((at, how));
            }
        }
        for (at, how) in ended.into_iter().rev() {
            let Running { unit, place, .. } = self.running.swap_remove(at);
            self.places.push(place);
            for part in &unit.parts {
                self.display.leave(self.plan.number(*part));
            }
            match how {
                Ended::Done => {}
                Ended::Interrupted => self.todo.push_back(unit),
                Ended::Failed(failure) => self.failed(unit, &failure),
            }
        }
        Ok(())
    }

    /// Tries again what may pass, and takes note of the rest.
    fn failed(&mut self, mut unit: Unit, failure: &Failure) {
        let name = self.plan.part_name(unit.parts[0]);
        let retries = self.plan.args.execution.retries;
        if failure.kind.may_pass() && unit.attempts <= retries {
            let pause = FIRST_PAUSE * 2_u32.saturating_pow(unit.attempts - 1);
            tracing::warn!(
                cell = name,
                "{name}: {}; trying again in {} s ({} of {retries})",
                failure.message,
                pause.as_secs(),
                unit.attempts
            );
            unit.not_before = Instant::now() + pause;
            self.todo.push_back(unit);
            return;
        }
        tracing::warn!(cell = name, "{name} failed, the others go on: {}", failure.message);
        for part in unit.parts {
            let cell = part.cell;
            if !self.plan.is_done(part) {
                // Where it cannot be written it is still told at the end.
                if let Err(error) = failure.write(&self.plan.folder(cell)) {
                    tracing::warn!(cell = name, "{error}");
                }
                self.failed.push((cell, failure.clone()));
            }
        }
    }
}
