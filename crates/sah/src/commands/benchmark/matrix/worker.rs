//! A process that does a cell, and how it is watched and stopped.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};

use super::super::progress::{FromWorker, Message};
use crate::args::DeviceArg;
use crate::benchmarks::BenchmarkName;
use crate::failure::{Failure, FailureKind};

/// How long a process that was asked to stop may go on with the context at work.
const GRACE: Duration = Duration::from_secs(10);
/// How long a process that ended may leave its pipes open.
const PIPES: Duration = Duration::from_secs(2);
/// Lines that are remembered, in case they are the last ones.
const LAST_LINES: usize = 5;
/// Exit codes of a run that is whole: with all answers, or with some rows that have none.
const DONE: [i32; 2] = [0, 3];
/// What Rust ends a process with that panicked.
const PANICKED: i32 = 101;

/// Where a process runs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) device: DeviceArg,
    pub(super) threads: usize,
}

/// What comes from a process, by its id.
#[derive(Debug)]
pub(super) enum Event {
    /// A cell is further.
    Message { process: u32, cell: usize, message: Message },
    /// It said something.
    Line { process: u32, line: String },
    /// One of its two pipes is at its end.
    Closed { process: u32 },
}

/// How a process ended.
#[derive(Debug)]
pub(super) enum Ended {
    Done,
    /// It was asked to, and everything is saved.
    Interrupted,
    Failed(Failure),
}

/// Why a process is to stop, and since when.
#[derive(Clone, Copy, Debug)]
enum Stopping {
    Interrupted,
    TimedOut { asked: Instant, limit: Duration, killed: bool },
}

/// A process that does a cell.
#[derive(Debug)]
pub(super) struct Worker {
    process: Child,
    /// Its end tells the process that we are gone.
    _lifeline: Option<ChildStdin>,
    started: Instant,
    stopping: Option<Stopping>,
    exited: Option<(ExitStatus, Instant)>,
    last_lines: VecDeque<String>,
    /// What it said of its failure.
    pub(super) failure: Option<Failure>,
    /// Of its two pipes.
    pub(super) closed: u32,
}

impl Worker {
    /// Starts a process that goes on with the run of one model in `run`. `first` is the place of the model's first part in the
    /// plan.
    pub(super) fn start(
        run: &Path,
        place: &Place,
        options: &[String],
        first: usize,
        events: &Sender<Event>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe().context("the path of this program")?);
        // The benchmark is that of the run, whatever is named here.
        command.args(["bench", BenchmarkName::default().name(), "--worker", "--threads"]);
        command.arg(place.threads.to_string());
        command.arg("--resume").arg(run);
        command.arg(format!("--device={}", place.device));
        command.args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Of its own, so that Ctrl-C reaches it through us, once, and all that it may have started is stopped with it.
        command.process_group(0);
        let mut process =
            command.spawn().with_context(|| format!("starting a process for {}", run.display()))?;
        let id = process.id();
        let message = move |line: String| match serde_json::from_str::<FromWorker>(&line) {
            Ok(FromWorker { cell, message }) => Event::Message { process: id, cell: first + cell, message },
            Err(_) => Event::Line { process: id, line },
        };
        listen(process.stdout.take(), id, events.clone(), message);
        listen(process.stderr.take(), id, events.clone(), move |line| Event::Line { process: id, line });
        Ok(Self {
            _lifeline: process.stdin.take(),
            process,
            started: Instant::now(),
            stopping: None,
            exited: None,
            last_lines: VecDeque::new(),
            failure: None,
            closed: 0,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Remembers what it said.
    pub(super) fn note(&mut self, line: String) {
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line);
    }

    /// Asks it to stop when the context at work is answered.
    pub(super) fn interrupt(&mut self) {
        if self.stopping.is_none() {
            self.stopping = Some(Stopping::Interrupted);
            self.signal(Signal::TERM);
        }
    }

    /// Stops it where it takes longer than `timeout`; how it ended, once it did and all that it said has come.
    pub(super) fn look(&mut self, timeout: Option<Duration>) -> anyhow::Result<Option<Ended>> {
        if let Some((status, at)) = self.exited {
            let is_quiet = self.closed == 2 || at.elapsed() >= PIPES;
            return Ok(is_quiet.then(|| self.ended(status)));
        }
        if let Some(status) = self.process.try_wait().context("waiting for a process")? {
            self.exited = Some((status, Instant::now()));
            return Ok(None);
        }
        match (&mut self.stopping, timeout) {
            (Some(Stopping::TimedOut { asked, killed, .. }), _) if !*killed && asked.elapsed() >= GRACE => {
                *killed = true;
                self.signal(Signal::KILL);
            }
            (Some(Stopping::TimedOut { .. }), _) => {}
            (_, Some(limit)) if self.started.elapsed() >= limit => {
                self.stopping = Some(Stopping::TimedOut { asked: Instant::now(), limit, killed: false });
                self.signal(Signal::TERM);
            }
            _ => {}
        }
        Ok(None)
    }

    fn signal(&self, signal: Signal) {
        // A process that ended meanwhile needs none.
        let _ = kill_process_group(Pid::from_child(&self.process), signal);
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        if status.code().is_some_and(|code| DONE.contains(&code)) {
            return Ended::Done;
        }
        let failure = |kind, message| Ended::Failed(Failure { kind, message });
        if let Some(Stopping::TimedOut { limit, .. }) = self.stopping {
            let limit = limit.as_secs_f64();
            return failure(
                FailureKind::TimedOut,
                format!("stopped after {limit} s (--timeout); what it answered is kept"),
            );
        }
        if matches!(self.stopping, Some(Stopping::Interrupted)) {
            return Ended::Interrupted;
        }
        if let Some(failure) = &self.failure {
            return Ended::Failed(failure.clone());
        }
        let said = self.last_lines.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        let said = if said.is_empty() { String::new() } else { format!("; it last said: {said}") };
        match (status.signal(), status.code()) {
            (Some(9), _) => failure(
                FailureKind::Killed,
                format!("ended by signal 9, as a system does that runs out of memory{said}"),
            ),
            (Some(number), _) => failure(FailureKind::Killed, format!("ended by signal {number}{said}")),
            (None, Some(PANICKED)) => failure(FailureKind::Panicked, format!("panicked{said}")),
            (None, code) => failure(
                FailureKind::Other,
                format!("ended with exit code {}{said}", code.unwrap_or_default()),
            ),
        }
    }
}

/// Nothing outlives the matrix, whatever ends it.
impl Drop for Worker {
    fn drop(&mut self) {
        if self.exited.is_none() {
            self.signal(Signal::KILL);
            let _ = self.process.wait();
        }
    }
}

/// Sends every line of a pipe on, and tells its end.
fn listen(
    pipe: Option<impl Read + Send + 'static>,
    process: u32,
    events: Sender<Event>,
    event: impl Fn(String) -> Event + Send + 'static,
) {
    let Some(pipe) = pipe else { return };
    std::thread::spawn(move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        // Once nobody listens, nothing needs to be read.
        while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if events.send(event(text)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::Closed { process });
    });
}
