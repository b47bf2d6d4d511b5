//! Processes and the time: those of this machine, or those that a test plays.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::super::progress::{FromWorker, Message};
use crate::args::DeviceArg;

/// Starts processes, passes on what they say, and knows the time.
pub(super) trait Host {
    /// Starts a process.
    fn start(&mut self, command: &WorkerCommand) -> anyhow::Result<Box<dyn Process>>;

    /// What a process says next; `None` where nothing comes within `limit`.
    fn next_event(&mut self, limit: Duration) -> Option<Event>;

    /// The time.
    fn now(&self) -> Instant;
}

/// A process that was started. It ends, at the latest, when this is dropped.
pub(super) trait Process {
    /// Its id.
    fn id(&self) -> u32;

    /// Sends `signal` to it and to all processes that it started.
    fn signal(&self, signal: Signal);

    /// How it ended; `None` while it runs.
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>>;
}

/// The command line of a process: it goes on with the run of one model.
#[derive(Clone, Debug)]
pub(super) struct WorkerCommand {
    /// The name of the benchmark.
    pub(super) benchmark: String,
    /// The folder of the run.
    pub(super) run: PathBuf,
    pub(super) slot: Slot,
    /// Further options.
    pub(super) options: Vec<String>,
    /// The place of the model's first part in the plan, from which the process counts.
    pub(super) first_part: usize,
}

/// Where one of the processes at work runs.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) device: DeviceArg,
    pub(super) threads: usize,
}

/// What comes from a process, by its id.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    /// A message about the part at place `part` in the plan.
    Message { process: u32, part: usize, message: Message },
    /// A line of text.
    Line { process: u32, line: String },
    /// One of its two pipes is at its end.
    Closed { process: u32 },
}

impl Event {
    /// A line of the standard output of a process: a message, or any text.
    pub(super) fn from_output(process: u32, first_part: usize, line: String) -> Self {
        match serde_json::from_str::<FromWorker>(&line) {
            Ok(FromWorker { cell, message }) => {
                Self::Message { process, part: first_part.saturating_add(cell), message }
            }
            Err(_) => Self::Line { process, line },
        }
    }
}
