//! The programs that take part, each a process with a model in memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::de::DeserializeOwned;

use super::job::{Hello, Job, Outcome};
use crate::args::{PeerArg, PrecisionArgs};
use crate::program;

/// A program, which may be started any number of times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Program {
    kind: Kind,
    /// The sides that it gives: for each the name in tables and that of its attention.
    pub(super) sides: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// This one.
    Own {
        program: program::Program,
        /// The precision's place on the command line.
        number: usize,
        precision: PrecisionArgs,
    },
    /// Another one, a script of the Python at this path.
    Peer { peer: PeerArg, python: String },
}

/// A process that has loaded the model, or is about to.
#[derive(Debug)]
pub(super) struct Running {
    /// What it is called in errors.
    name: String,
    process: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    /// This program, with the precision of this `number` and `attentions` by their names.
    pub(super) fn own(
        program: &program::Program,
        number: usize,
        precision: PrecisionArgs,
        attentions: &[&str],
    ) -> Self {
        let side = |attention: &&str| (format!("{} {attention}", precision.name()), (*attention).to_owned());
        let kind = Kind::Own { program: program.clone(), number, precision };
        Self { kind, sides: attentions.iter().map(side).collect() }
    }

    /// Another program, whose Python environment is set up where it is missing.
    pub(super) fn peer(peer: PeerArg) -> anyhow::Result<Self> {
        let name = match peer {
            PeerArg::Transformers => "transformers",
            PeerArg::LlamaCpp => "llama.cpp Q4_1",
        };
        let kind = Kind::Peer { peer, python: python(peer)? };
        Ok(Self { kind, sides: vec![(name.to_owned(), "dense".to_owned())] })
    }

    /// In which precision it runs, if it is this one.
    pub(super) fn precision(&self) -> Option<PrecisionArgs> {
        match self.kind {
            Kind::Own { precision, .. } => Some(precision),
            Kind::Peer { .. } => None,
        }
    }

    /// Whether the others are compared with it.
    pub(super) fn is_peer(&self) -> bool {
        matches!(self.kind, Kind::Peer { .. })
    }

    /// Whether it reads long contexts in every round, and answers several questions. llama.cpp takes several times as long
    /// for a context as the others, and is here for its decoding.
    pub(super) fn reads_every_round(&self) -> bool {
        !matches!(self.kind, Kind::Peer { peer: PeerArg::LlamaCpp, .. })
    }

    /// Starts a process. It takes jobs at once, and answers them when it is ready. `threads` are those of peers; our own
    /// sides read the command line.
    pub(super) fn start(&self, threads: i32) -> anyhow::Result<Running> {
        let mut command = match &self.kind {
            Kind::Own { program, number, .. } => {
                let mut command = program.command()?;
                command.args(program.arguments()).arg("--serve").arg(number.to_string());
                command
            }
            Kind::Peer { peer, python } => peer_command(*peer, python, threads),
        };
        let name = self.sides[0].0.clone();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("starting {name}"))?;
        let jobs = process.stdin.take().context("standard input of a side")?;
        let answers = BufReader::new(process.stdout.take().context("standard output of a side")?);
        Ok(Running { name, process, jobs, answers })
    }
}

fn peer_command(peer: PeerArg, python: &str, threads: i32) -> Command {
    let script = match peer {
        PeerArg::Transformers => "speed_transformers.py",
        PeerArg::LlamaCpp => "speed_llama_cpp.py",
    };
    let mut command = Command::new(python);
    command.arg(Path::new(REFERENCE).join(script)).arg("--threads").arg(threads.to_string());
    // `cargo xtask` sets it for us. Peers run as they come.
    command.env_remove("OMP_WAIT_POLICY");
    command
}

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/reference");

/// The path of a peer's Python, which is set up where it is missing.
fn python(peer: PeerArg) -> anyhow::Result<String> {
    let script = Path::new(REFERENCE).join("venv.sh");
    let mut command = Command::new("bash");
    command.arg(&script).stderr(Stdio::inherit());
    if peer == PeerArg::LlamaCpp {
        command.arg("llama-cpp");
    }
    let output = command.output().with_context(|| format!("running {}", script.display()))?;
    ensure!(output.status.success(), "{} ended with {}", script.display(), output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

impl Running {
    /// Hands it a job. It may do that before it is ready.
    pub(super) fn give(&mut self, job: &Job) -> anyhow::Result<()> {
        let given = writeln!(self.jobs, "{}", serde_json::to_string(job)?);
        given.with_context(|| format!("{} ended; what it said is above", self.name))
    }

    /// Waits until it is ready.
    pub(super) fn hello(&mut self) -> anyhow::Result<Hello> {
        self.line()
    }

    /// Waits for the answer to the job given last.
    pub(super) fn outcome(&mut self) -> anyhow::Result<Outcome> {
        self.line()
    }

    /// A job and its answer.
    pub(super) fn ask(&mut self, job: &Job) -> anyhow::Result<Outcome> {
        self.give(job)?;
        self.outcome()
    }

    fn line<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "{} ended without an answer; what it said is above", self.name);
        serde_json::from_str(&line).with_context(|| format!("what {} answered: {}", self.name, line.trim()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It only reads and computes: nothing is lost.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
