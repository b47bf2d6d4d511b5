//! How processes of this program are started.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Context as _;

/// The program, as it is started, and what this process was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Program {
    /// The file and what stands before the arguments; the file of this process where there is nothing.
    words: Vec<OsString>,
    /// What this process was started with, after those.
    arguments: Vec<OsString>,
}

impl Program {
    /// Started with `words`, the file first.
    pub(crate) fn started_with(words: Vec<OsString>) -> Self {
        Self { words, arguments: Vec::new() }
    }

    /// In a process that was given `arguments`.
    pub(crate) fn with_arguments(self, arguments: Vec<OsString>) -> Self {
        Self { arguments, ..self }
    }

    /// What this process was given.
    pub(crate) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// The words that start it, the file first.
    pub(crate) fn words(&self) -> anyhow::Result<Vec<OsString>> {
        if !self.words.is_empty() {
            return Ok(self.words.clone());
        }
        Ok(vec![std::env::current_exe().context("the path of this program")?.into_os_string()])
    }

    /// A process of it, to which arguments are added.
    pub(crate) fn command(&self) -> anyhow::Result<Command> {
        let mut words = self.words()?.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        Ok(command)
    }
}
