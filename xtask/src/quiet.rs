//! Builds that speak only when there is something to wait for.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::process::{cannot_start, ended};

/// What cargo says is held back this long: a build that has nothing to do says nothing.
const SILENCE: Duration = Duration::from_secs(3);

/// Runs a cargo build. Its lines, which tell what is compiled or waited for, go to standard error once it has run for some
/// seconds, or where it fails.
pub(crate) fn build_quietly(build: &mut Command) -> Result<()> {
    let mut child = build.stderr(Stdio::piped()).spawn().map_err(|error| cannot_start(build, &error))?;
    let stderr = BufReader::new(child.stderr.take().expect("standard error is a pipe"));
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        // The receiver goes away only with this process.
        stderr.lines().map_while(std::result::Result::ok).try_for_each(|line| sender.send(line))
    });
    let held_back = relay(&lines, SILENCE, |line| eprintln!("{line}"));
    let status = child.wait().map_err(|error| cannot_start(build, &error))?;
    if !status.success() {
        for line in &held_back {
            eprintln!("{line}");
        }
    }
    ended(build, status)
}

/// Says `lines` from the time when `silence` has passed, those that came before it first, and gives back what was not said.
fn relay(lines: &Receiver<String>, silence: Duration, mut say: impl FnMut(&str)) -> Vec<String> {
    let from = Instant::now() + silence;
    let mut held_back = Vec::new();
    loop {
        match lines.recv_timeout(from.saturating_duration_since(Instant::now())) {
            Ok(line) => held_back.push(line),
            Err(RecvTimeoutError::Disconnected) => return held_back,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    let said = held_back.into_iter().chain(lines).filter(|line| !line.trim_start().starts_with("Finished "));
    said.for_each(|line| say(&line));
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::relay;

    #[test]
    fn a_build_that_ends_soon_says_nothing() {
        let (sender, lines) = mpsc::channel();
        sender.send("    Finished `release` profile".to_owned()).unwrap();
        drop(sender);
        let held_back = relay(&lines, Duration::from_mins(1), |line| panic!("said: {line}"));
        assert_eq!(held_back, ["    Finished `release` profile"]);
    }

    #[test]
    fn a_build_that_takes_long_says_all_but_its_end() {
        let (sender, lines) = mpsc::channel();
        sender.send("    Blocking waiting for file lock".to_owned()).unwrap();
        let mut said = Vec::new();
        // The build goes on once its first line was heard, which is after the silence.
        let mut rest = Some(sender);
        let held_back = relay(&lines, Duration::from_millis(10), |line| {
            if let Some(sender) = rest.take() {
                sender.send("   Compiling sah".to_owned()).unwrap();
                sender.send("    Finished `release` profile".to_owned()).unwrap();
            }
            said.push(line.trim_start().to_owned());
        });
        assert_eq!(said, ["Blocking waiting for file lock", "Compiling sah"]);
        assert!(held_back.is_empty());
    }
}
