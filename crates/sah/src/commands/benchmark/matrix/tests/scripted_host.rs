//! A host whose processes play scripts, and whose clock moves only when it is waited for.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::super::super::job::Job;
use super::super::super::progress::Message;
use super::super::super::testing::{Recorder, ScriptedModel, TestRun, plan_of};
use super::super::host::{Event, Host, Process, WorkerCommand};
use crate::failure::{Failure, FailureKind};

/// What a process does at one time.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Prints a line on standard output.
    Print(String),
    /// Prints a line on standard error.
    Log(String),
    /// Answers all that it was started for, and ends.
    Work { fails_on: Option<&'static str> },
    /// Answers all rows of one cell, and goes on.
    Finish(&'static str),
    /// Ends with an exit code.
    Exit(i32),
    /// Ends with an exit code, and another process that it started has its pipes still open.
    ExitWithOpenPipes(i32),
    /// Is ended by a signal.
    Die(i32),
}

/// What a process does on SIGTERM.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum OnTerm {
    /// Saves its rows and ends with 130 so much later.
    Stop(Duration),
    #[default]
    Ignore,
}

/// What a process does, by seconds from its start.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub(super) steps: Vec<(u64, Step)>,
    pub(super) on_term: OnTerm,
}

impl Script {
    /// Finishes after so many seconds.
    pub(super) fn works(seconds: u64) -> Self {
        Self { steps: vec![(seconds, Step::Work { fails_on: None })], ..Self::default() }
    }

    /// Reports a failure after a second and ends.
    pub(super) fn fails(kind: FailureKind) -> Self {
        let failure = Failure { kind, message: format!("a failure of kind {kind:?}") };
        let steps = vec![(1, Step::Print(message(0, Message::Failed(failure)))), (1, Step::Exit(1))];
        Self { steps, ..Self::default() }
    }

    /// Goes on for ever.
    pub(super) fn hangs(on_term: OnTerm) -> Self {
        Self { steps: Vec::new(), on_term }
    }

    /// Does `steps` after a second.
    pub(super) fn plays(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().map(|step| (1, step)).collect(), ..Self::default() }
    }
}

/// A message as a process prints it.
pub(super) fn message(cell: usize, message: Message) -> String {
    serde_json::to_string(&super::super::super::progress::FromWorker { cell, message }).unwrap()
}

/// The clock, what has happened by it, and the processes that are at work.
#[derive(Default)]
struct World {
    now: Cell<Duration>,
    log: RefCell<Vec<String>>,
    playing: RefCell<Vec<Rc<Playing>>>,
}

impl World {
    fn log(&self, what: &str, name: &str) {
        self.log.borrow_mut().push(format!("{} s: {what} {name}", self.now.get().as_secs()));
    }
}

/// A process at work.
struct Playing {
    id: u32,
    name: String,
    command: WorkerCommand,
    steps: RefCell<VecDeque<(Duration, Step)>>,
    on_term: OnTerm,
    status: Cell<Option<ExitStatus>>,
}

/// The end of a process that the matrix holds.
struct Handle {
    world: Rc<World>,
    playing: Rc<Playing>,
}

impl Process for Handle {
    fn id(&self) -> u32 {
        self.playing.id
    }

    fn signal(&self, signal: Signal) {
        let now = self.world.now.get();
        if signal == Signal::KILL {
            self.world.log("KILL", &self.playing.name);
            *self.playing.steps.borrow_mut() = VecDeque::from([(now, Step::Die(9))]);
        } else {
            self.world.log("TERM", &self.playing.name);
            if let OnTerm::Stop(after) = self.playing.on_term {
                *self.playing.steps.borrow_mut() = VecDeque::from([(now + after, Step::Exit(130))]);
            }
        }
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        Ok(self.playing.status.get())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.playing.status.get().is_none() {
            self.world.log("dropped", &self.playing.name);
        }
    }
}

/// Plays the processes of a run.
pub(super) struct ScriptedHost<'a> {
    run: &'a TestRun,
    world: Rc<World>,
    begin: Instant,
    /// By the name of a part, for each time it is started. Where there is none, a process works for a second.
    scripts: HashMap<String, VecDeque<Script>>,
    events: VecDeque<Event>,
    processes: u32,
    /// Ctrl-C is pressed then.
    stop: Option<(Duration, &'a AtomicBool)>,
    /// Parts whose process cannot be started.
    pub(super) unstartable: Option<&'static str>,
    pub(super) commands: Vec<(String, WorkerCommand)>,
}

impl<'a> ScriptedHost<'a> {
    pub(super) fn new(run: &'a TestRun) -> Self {
        Self {
            run,
            world: Rc::default(),
            begin: Instant::now(),
            scripts: HashMap::new(),
            events: VecDeque::new(),
            processes: 0,
            stop: None,
            unstartable: None,
            commands: Vec::new(),
        }
    }

    /// The processes for `part` play `scripts`, one after another.
    pub(super) fn script(mut self, part: &str, scripts: impl IntoIterator<Item = Script>) -> Self {
        self.scripts.insert(part.to_owned(), scripts.into_iter().collect());
        self
    }

    /// Sets `stop` after so many seconds.
    pub(super) fn stop_at(mut self, seconds: u64, stop: &'a AtomicBool) -> Self {
        self.stop = Some((Duration::from_secs(seconds), stop));
        self
    }

    /// What was started, signalled and dropped, by whole seconds.
    pub(super) fn log(&self) -> Vec<String> {
        self.world.log.borrow().clone()
    }

    pub(super) fn seconds(&self) -> u64 {
        self.world.now.get().as_secs()
    }

    fn set_clock(&self, now: Duration) {
        self.world.now.set(now.max(self.world.now.get()));
        if let Some((at, stop)) = self.stop
            && now >= at
        {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// The process whose next step comes first, and when.
    fn earliest(&self) -> Option<(Rc<Playing>, Duration)> {
        let playing = self.world.playing.borrow();
        let next = |one: &Rc<Playing>| Some((Rc::clone(one), one.steps.borrow().front()?.0));
        playing.iter().filter_map(next).min_by_key(|(_, at)| *at)
    }

    fn play(&mut self, process: &Playing) {
        let Some((_, step)) = process.steps.borrow_mut().pop_front() else { return };
        let id = process.id;
        match step {
            Step::Print(line) => {
                self.events.push_back(Event::from_output(id, process.command.first_part, line));
            }
            Step::Log(line) => self.events.push_back(Event::Line { process: id, line }),
            Step::Work { fails_on } => {
                let code = self.work(process, None, fails_on);
                self.end(process, code << 8, true);
            }
            Step::Finish(cell) => {
                self.work(process, Some(cell), None);
            }
            Step::Exit(code) => self.end(process, code << 8, true),
            Step::ExitWithOpenPipes(code) => self.end(process, code << 8, false),
            Step::Die(signal) => self.end(process, signal, true),
        }
    }

    fn end(&mut self, process: &Playing, status: i32, closes: bool) {
        process.steps.borrow_mut().clear();
        process.status.set(Some(ExitStatus::from_raw(status)));
        for _ in 0..if closes { 2 } else { 0 } {
            self.events.push_back(Event::Closed { process: process.id });
        }
    }

    /// Does what a process does that is started by this command, or only one cell of it, with a scripted model.
    fn work(&mut self, process: &Playing, cell: Option<&str>, fails_on: Option<&'static str>) -> i32 {
        let WorkerCommand { run, options, first_part, .. } = &process.command;
        let option = |name: &str| options.iter().find_map(|option| option.strip_prefix(name));
        let command = self.run.of_worker(run, cell.or(option("--cell=")), option("--shard="));
        let (stop, mut listener) = (AtomicBool::new(false), Recorder::default());
        let plan = plan_of(&command);
        let model = ScriptedModel { fails_on, ..ScriptedModel::default() };
        let done = Job::new(&plan, &stop).run(|_, _| Ok(model.load()), &mut listener);
        for (cell, said) in listener.messages {
            self.events.push_back(Event::from_output(process.id, *first_part, message(cell, said)));
        }
        i32::from(done.is_err())
    }
}

impl Host for ScriptedHost<'_> {
    fn start(&mut self, command: &WorkerCommand) -> anyhow::Result<Box<dyn Process>> {
        let name = name_of(command);
        if self.unstartable == Some(name.as_str()) {
            anyhow::bail!("no process for {name}");
        }
        self.world.log("start", &name);
        self.commands.push((name.clone(), command.clone()));
        self.processes += 1;
        let script = self.scripts.get_mut(&name).and_then(VecDeque::pop_front);
        let Script { steps, on_term } = script.unwrap_or_else(|| Script::works(1));
        let now = self.world.now.get();
        let steps = steps.into_iter().map(|(seconds, step)| (now + Duration::from_secs(seconds), step));
        let playing = Rc::new(Playing {
            id: self.processes,
            name,
            command: command.clone(),
            steps: RefCell::new(steps.collect()),
            on_term,
            status: Cell::new(None),
        });
        self.world.playing.borrow_mut().push(Rc::clone(&playing));
        Ok(Box::new(Handle { world: Rc::clone(&self.world), playing }))
    }

    fn next_event(&mut self, limit: Duration) -> Option<Event> {
        let until = self.world.now.get() + limit;
        assert!(until < Duration::from_hours(1), "nothing ends this: {:?}", self.log());
        while self.events.is_empty() {
            let Some((process, at)) = self.earliest().filter(|(_, at)| *at <= until) else {
                self.set_clock(until);
                return None;
            };
            self.set_clock(at);
            self.play(&process);
        }
        self.events.pop_front()
    }

    fn now(&self) -> Instant {
        self.begin + self.world.now.get()
    }
}

/// `run/dense`, `one/dense 1/2`, or only `run` for a process that does all attentions.
fn name_of(command: &WorkerCommand) -> String {
    let run = command.run.file_name().unwrap().to_string_lossy();
    let option = |name: &str| command.options.iter().find_map(|option| option.strip_prefix(name));
    let cell = option("--cell=").map(|cell| format!("/{cell}")).unwrap_or_default();
    let shard = option("--shard=").map(|shard| format!(" {shard}")).unwrap_or_default();
    format!("{run}{cell}{shard}")
}
