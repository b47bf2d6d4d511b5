//! transformers as a peer process: `tests/reference/speed.py`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::Measurement;

/// A running peer that has the model in memory.
#[derive(Debug)]
pub(super) struct Peer {
    process: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    prefill_seconds: f64,
    decode_tokens_per_second: f64,
    peak_rss_bytes: u64,
}

impl Peer {
    /// Sets up its Python environment where it is missing, and starts it.
    pub(super) fn start(threads: i32) -> anyhow::Result<Self> {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference"));
        let venv = Command::new("bash").arg(folder.join("venv.sh")).stderr(Stdio::inherit()).output()?;
        ensure!(venv.status.success(), "{} ended with {}", folder.join("venv.sh").display(), venv.status);
        let python = String::from_utf8(venv.stdout)?;
        let mut command = Command::new(python.trim());
        command.arg(folder.join("speed.py")).arg("--threads").arg(threads.to_string());
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting speed.py")?;
        let jobs = process.stdin.take().context("standard input of speed.py")?;
        let answers = BufReader::new(process.stdout.take().context("standard output of speed.py")?);
        Ok(Self { process, jobs, answers })
    }

    /// Gives it one job and waits for the answer.
    pub(super) fn measure(&mut self, context: usize, new_tokens: u32) -> anyhow::Result<Measurement> {
        writeln!(self.jobs, "{}", serde_json::json!({"context": context, "new_tokens": new_tokens}))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "speed.py ended without an answer; what it said is above");
        let answer: Answer = serde_json::from_str(&line).context("the answer of speed.py")?;
        Ok(Measurement {
            prefill_seconds: answer.prefill_seconds,
            decode_rate: answer.decode_tokens_per_second,
            peak_bytes: Some(answer.peak_rss_bytes),
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It only reads and computes: nothing is lost.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
