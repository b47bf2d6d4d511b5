//! The processes of this machine.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};

use super::host::{Event, Host, Process, WorkerCommand};
use crate::program::Program;

/// This machine: a process is this program, started again.
#[derive(Debug)]
pub(super) struct LocalHost<'a> {
    program: &'a Program,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl<'a> LocalHost<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        let (sender, events) = channel();
        Self { program, sender, events }
    }
}

impl Host for LocalHost<'_> {
    fn start(&mut self, worker: &WorkerCommand) -> anyhow::Result<Box<dyn Process>> {
        let mut command = self.program.command()?;
        command.args(["bench", &worker.benchmark, "--worker", "--threads"]);
        command.arg(worker.slot.threads.to_string());
        command.arg("--resume").arg(&worker.run);
        command.arg(format!("--device={}", worker.slot.device));
        command.args(&worker.options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In a group of its own: Ctrl-C reaches it once, through us, and what it started is stopped with it.
        command.process_group(0);
        let mut child =
            command.spawn().with_context(|| format!("starting a process for {}", worker.run.display()))?;
        let (id, first_part) = (child.id(), worker.first_part);
        let message = move |line| Event::from_output(id, first_part, line);
        read_in_thread(child.stdout.take(), id, self.sender.clone(), message);
        let line = move |line| Event::Line { process: id, line };
        read_in_thread(child.stderr.take(), id, self.sender.clone(), line);
        Ok(Box::new(LocalProcess { _lifeline: child.stdin.take(), child }))
    }

    fn next_event(&mut self, limit: Duration) -> Option<Event> {
        self.events.recv_timeout(limit).ok()
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A process of this machine.
#[derive(Debug)]
struct LocalProcess {
    child: Child,
    /// Its end tells the process that we are gone.
    _lifeline: Option<ChildStdin>,
}

impl Process for LocalProcess {
    fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        // A process that has ended needs none.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

/// No process outlives the matrix, whatever ends it.
impl Drop for LocalProcess {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Reads a pipe in a thread of its own until its end.
fn read_in_thread(
    pipe: Option<impl Read + Send + 'static>,
    process: u32,
    events: Sender<Event>,
    event: impl Fn(String) -> Event + Send + 'static,
) {
    let Some(pipe) = pipe else { return };
    std::thread::spawn(move || read_lines(pipe, process, &events, event));
}

/// Sends an event for every line of `pipe`, and one for its end.
fn read_lines(pipe: impl Read, process: u32, events: &Sender<Event>, event: impl Fn(String) -> Event) {
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
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::{Event, read_lines};
    use crate::commands::benchmark::progress::Message;

    fn events(bytes: &[u8]) -> Vec<Event> {
        let (sender, events) = channel();
        read_lines(bytes, 7, &sender, |line| Event::from_output(7, 10, line));
        drop(sender);
        events.iter().collect()
    }

    #[test]
    fn a_line_is_a_message_or_text() {
        let line = |line: &str| Event::Line { process: 7, line: line.to_owned() };
        let message = Message::Read { tokens: 1, of: 2 };
        let closed = Event::Closed { process: 7 };
        assert_eq!(
            events(b"{\"cell\":3,\"event\":\"read\",\"tokens\":1,\"of\":2}\nhello\r\n"),
            [Event::Message { process: 7, part: 13, message }, line("hello"), closed]
        );
    }

    #[test]
    fn what_is_cut_in_the_middle_or_no_text_is_a_line() {
        let [cut, closed, end] = &events(b"{\"cell\":3,\"event\":\"re\n{\"cell\":3")[..] else { panic!() };
        assert!(matches!(cut, Event::Line { line, .. } if line == "{\"cell\":3,\"event\":\"re"), "{cut:?}");
        assert!(matches!(closed, Event::Line { line, .. } if line == "{\"cell\":3"), "{closed:?}");
        assert_eq!(*end, Event::Closed { process: 7 });
        let [rubbish, _] = &events(b"\xff\x00\xfe\n")[..] else { panic!() };
        assert!(matches!(rubbish, Event::Line { .. }), "{rubbish:?}");
        assert_eq!(events(b""), [Event::Closed { process: 7 }]);
    }

    #[test]
    fn a_place_that_is_no_place_does_not_overflow() {
        let text = format!("{{\"cell\":{},\"event\":\"read\",\"tokens\":1,\"of\":2}}\n", usize::MAX);
        let [event, _] = &events(text.as_bytes())[..] else { panic!() };
        assert!(matches!(event, Event::Message { part: usize::MAX, .. }), "{event:?}");
    }
}
