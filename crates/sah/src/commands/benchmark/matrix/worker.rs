//! Watching a process: its limit of time, the signals that stop it, and what its end means.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::Signal;

use super::host::Process;
use crate::failure::{Failure, FailureKind};

/// How long a process that was told to stop may go on with its context before it is killed.
const KILL_AFTER: Duration = Duration::from_secs(10);
/// How long the output of a process that ended is waited for.
const OUTPUT_AFTER_EXIT: Duration = Duration::from_secs(2);
/// Standard output and standard error.
const PIPES: u32 = 2;
/// How many of its last lines are quoted when it dies without a word.
const LAST_LINES: usize = 5;
/// Exit codes of a run that is complete: with all answers, or with some rows that have none.
const COMPLETE: [i32; 2] = [0, 3];
/// Exit code of a Rust program that panicked.
const PANICKED: i32 = 101;

/// How a process ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ended {
    Complete,
    /// It was told to stop, and what it answered is saved.
    Interrupted,
    Failed(Failure),
}

/// Why a process is to stop.
#[derive(Clone, Copy, Debug)]
enum Stopping {
    Interrupted,
    TimedOut { since: Instant, limit: Duration, killed: bool },
}

/// A process that is watched.
pub(super) struct Worker {
    process: Box<dyn Process>,
    started: Instant,
    stopping: Option<Stopping>,
    exited: Option<(ExitStatus, Instant)>,
    last_lines: VecDeque<String>,
    /// What it reported as its failure.
    failure: Option<Failure>,
    closed_pipes: u32,
}

impl Worker {
    /// Watches `process`, which was started at `now`.
    pub(super) fn new(process: Box<dyn Process>, now: Instant) -> Self {
        Self {
            process,
            started: now,
            stopping: None,
            exited: None,
            last_lines: VecDeque::new(),
            failure: None,
            closed_pipes: 0,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// It printed `line`.
    pub(super) fn printed(&mut self, line: String) {
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line);
    }

    /// It reported `failure`.
    pub(super) fn reported(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    /// It closed one of its pipes.
    pub(super) fn closed_pipe(&mut self) {
        self.closed_pipes += 1;
    }

    /// Tells it to stop once its context is answered.
    pub(super) fn interrupt(&mut self) {
        if self.stopping.is_none() {
            self.stopping = Some(Stopping::Interrupted);
            self.process.signal(Signal::TERM);
        }
    }

    /// Stops it where it has taken longer than `timeout`. Says how it ended, once it has and its output is read.
    pub(super) fn poll(&mut self, now: Instant, timeout: Option<Duration>) -> anyhow::Result<Option<Ended>> {
        if let Some((status, at)) = self.exited {
            let is_read = self.closed_pipes >= PIPES || now - at >= OUTPUT_AFTER_EXIT;
            return Ok(is_read.then(|| self.ended(status)));
        }
        match self.process.try_wait().context("waiting for a process")? {
            Some(status) => self.exited = Some((status, now)),
            None => self.enforce(now, timeout),
        }
        Ok(None)
    }

    /// Tells it to stop where it has taken longer than `timeout`, and kills it where it does not.
    fn enforce(&mut self, now: Instant, timeout: Option<Duration>) {
        match (&mut self.stopping, timeout) {
            (Some(Stopping::TimedOut { since, killed, .. }), _) if !*killed && now - *since >= KILL_AFTER => {
                *killed = true;
                self.process.signal(Signal::KILL);
            }
            (Some(Stopping::TimedOut { .. }), _) => {}
            (_, Some(limit)) if now - self.started >= limit => {
                self.stopping = Some(Stopping::TimedOut { since: now, limit, killed: false });
                self.process.signal(Signal::TERM);
            }
            _ => {}
        }
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        if status.code().is_some_and(|code| COMPLETE.contains(&code)) {
            return Ended::Complete;
        }
        match (self.stopping, &self.failure) {
            (Some(Stopping::TimedOut { limit, .. }), _) => Ended::Failed(Failure {
                kind: FailureKind::TimedOut,
                message: format!(
                    "stopped after {} s (--timeout); what it answered is kept",
                    limit.as_secs_f64()
                ),
            }),
            (Some(Stopping::Interrupted), _) => Ended::Interrupted,
            (None, Some(failure)) => Ended::Failed(failure.clone()),
            (None, None) => Ended::Failed(self.unreported(status)),
        }
    }

    /// The failure of a process that reported none.
    fn unreported(&self, status: ExitStatus) -> Failure {
        let (kind, how) = match (status.signal(), status.code()) {
            (Some(9), _) => (
                FailureKind::Killed,
                "ended by signal 9, as a system does that runs out of memory".to_owned(),
            ),
            (Some(number), _) => (FailureKind::Killed, format!("ended by signal {number}")),
            (None, Some(PANICKED)) => (FailureKind::Panicked, "panicked".to_owned()),
            (None, code) => {
                (FailureKind::Other, format!("ended with exit code {}", code.unwrap_or_default()))
            }
        };
        let lines = self.last_lines.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        let lines = if lines.is_empty() { lines } else { format!("; it last said: {lines}") };
        Failure { kind, message: how + &lines }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::io;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::rc::Rc;
    use std::time::{Duration, Instant};

    use rustix::process::Signal;

    use super::{Ended, Worker};
    use crate::commands::benchmark::matrix::host::Process;
    use crate::failure::{Failure, FailureKind};

    /// A process that a test ends, and the signals that it got.
    #[derive(Clone, Default)]
    struct Scripted {
        signals: Rc<RefCell<Vec<Signal>>>,
        status: Rc<Cell<Option<i32>>>,
    }

    impl Process for Scripted {
        fn id(&self) -> u32 {
            1
        }

        fn signal(&self, signal: Signal) {
            self.signals.borrow_mut().push(signal);
        }

        fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
            Ok(self.status.get().map(ExitStatus::from_raw))
        }
    }

    const LIMIT: Option<Duration> = Some(Duration::from_mins(1));

    /// A worker, its process, and a function that looks at it so many seconds after its start.
    fn worker() -> (Worker, Scripted, impl Fn(&mut Worker, f64) -> Option<Ended>) {
        let (process, begin) = (Scripted::default(), Instant::now());
        let at = move |worker: &mut Worker, seconds| {
            worker.poll(begin + Duration::from_secs_f64(seconds), LIMIT).unwrap()
        };
        (Worker::new(Box::new(process.clone()), begin), process, at)
    }

    #[test]
    fn signals_come_once_and_in_order() {
        let (mut worker, process, at) = worker();
        for seconds in [0.0, 59.9] {
            assert_eq!(at(&mut worker, seconds), None);
            assert_eq!(process.signals.borrow().len(), 0);
        }
        for seconds in [60.0, 61.0, 69.9] {
            at(&mut worker, seconds);
            worker.interrupt();
            assert_eq!(*process.signals.borrow(), [Signal::TERM], "at {seconds} s");
        }
        for seconds in [70.0, 71.0, 100.0] {
            at(&mut worker, seconds);
            assert_eq!(*process.signals.borrow(), [Signal::TERM, Signal::KILL], "at {seconds} s");
        }
    }

    #[test]
    fn it_has_ended_once_its_output_is_read() {
        let (mut worker, process, at) = worker();
        process.status.set(Some(0));
        assert_eq!(at(&mut worker, 1.0), None, "it has exited");
        worker.closed_pipe();
        assert_eq!(at(&mut worker, 1.1), None, "one pipe is open");
        worker.closed_pipe();
        assert_eq!(at(&mut worker, 1.2), Some(Ended::Complete));
    }

    #[test]
    fn a_pipe_that_stays_open_is_given_up() {
        let (mut worker, process, at) = worker();
        process.status.set(Some(0));
        assert_eq!(at(&mut worker, 1.0), None);
        assert_eq!(at(&mut worker, 2.9), None);
        assert_eq!(at(&mut worker, 3.0), Some(Ended::Complete));
    }

    /// How a worker ends whose process has ended with `status`, after what `before` does.
    fn ended(status: i32, before: impl FnOnce(&mut Worker)) -> Ended {
        let (mut worker, process, at) = worker();
        before(&mut worker);
        process.status.set(Some(status));
        worker.closed_pipe();
        worker.closed_pipe();
        assert_eq!(at(&mut worker, 1.0), None);
        at(&mut worker, 1.1).unwrap()
    }

    #[test]
    fn what_was_reported_counts_more_than_the_exit_code() {
        let reported = || Failure { kind: FailureKind::Device, message: "cuda:0 is busy".to_owned() };
        let report = |worker: &mut Worker| worker.reported(reported());
        assert_eq!(ended(1 << 8, report), Ended::Failed(reported()));
        assert_eq!(ended(9, report), Ended::Failed(reported()));
        assert_eq!(ended(3 << 8, report), Ended::Complete);
    }

    #[test]
    fn one_that_was_told_to_stop_has_not_failed() {
        assert_eq!(ended(130 << 8, Worker::interrupt), Ended::Interrupted);
        assert_eq!(ended(9, Worker::interrupt), Ended::Interrupted);
        assert_eq!(ended(0, Worker::interrupt), Ended::Complete);
        let Ended::Failed(failure) = ended(130 << 8, |_| {}) else { panic!("nobody stopped it") };
        assert_eq!(failure.kind, FailureKind::Other);
    }
}
