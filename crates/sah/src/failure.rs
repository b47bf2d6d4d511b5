//! What kind of thing went wrong: by the types of errors, for whoever decides whether to try again.

use std::path::Path;

use sah_bench_core::{DataErrorKind, read_json, write_json};
use serde::{Deserialize, Serialize};

use crate::device::DeviceUnavailable;
use crate::exit;
use crate::remedies;
use crate::usage::UsageError;

/// In the folder of an attention that could not be finished, until it is tried again.
pub(crate) const FILE: &str = "failure.json";

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The options ask for something that does not exist.
    Usage,
    /// The data cannot be read.
    Data,
    /// A server cannot be reached, or is in trouble.
    Network,
    /// A device is taken, or does not answer.
    Device,
    /// The model cannot be found, loaded or run.
    Model,
    /// Another process writes to the result folder.
    FolderBusy,
    /// Results cannot be written or read.
    Results,
    /// The run is not the one that was begun.
    Changed,
    /// Stopped by a signal, with everything saved.
    Interrupted,
    /// Took longer than it may.
    TimedOut,
    /// The process was ended by a signal that it could not answer.
    Killed,
    /// A mistake in this program.
    Panicked,
    /// Anything else.
    Other,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of thing.
    pub kind: FailureKind,
    /// The error in words.
    pub message: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// Of an error that ends a command.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let kind = error.chain().find_map(FailureKind::of).unwrap_or(FailureKind::Other);
        Self { kind, message: remedies::explained(error) }
    }

    /// The exit code of a command that `error` ends.
    pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
        Self::of(error).kind.exit_code()
    }

    /// Keeps it in the folder of an attention.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), sah_bench_core::Error> {
        write_json(&folder.join(FILE), self)
    }

    /// What was kept in the folder of an attention, if anything.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        read_json(&folder.join(FILE)).ok()
    }

    /// Forgets what an earlier process kept in the folder of an attention.
    pub(crate) fn forget(folder: &Path) {
        // What cannot be removed is removed or replaced by the next one.
        let _ = std::fs::remove_file(folder.join(FILE));
    }
}

impl FailureKind {
    /// As files have it.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => unreachable!("a kind is written as a text"),
        }
    }

    /// Whether the same may succeed a little later.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::Network | Self::Device | Self::FolderBusy)
    }

    /// The exit code of a command that ends with it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Usage => exit::USAGE,
            Self::Interrupted => exit::INTERRUPTED,
            kind if kind.may_pass() => exit::MAY_PASS,
            _ => exit::FAILED,
        }
    }

    /// Of one error, whatever its sources; `None` where its type says nothing.
    fn of(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if error.is::<UsageError>() {
            return Some(Self::Usage);
        }
        if error.is::<DeviceUnavailable>() {
            return Some(Self::Device);
        }
        if let Some(error) = error.downcast_ref::<sah_bench_core::Error>() {
            return Some(Self::of_benchmark(error));
        }
        if let Some(error) = error.downcast_ref::<sah_request::ModelError>() {
            return Self::of(error.inner());
        }
        error.downcast_ref::<sah_adapter::Error>().map(Self::of_model)
    }

    fn of_benchmark(error: &sah_bench_core::Error) -> Self {
        use sah_bench_core::Error;
        match error {
            Error::UnknownSubset { .. } | Error::NoSubsets { .. } | Error::FolderName { .. } => Self::Usage,
            Error::Data(error) if error.kind == DataErrorKind::Network => Self::Network,
            Error::Data(_)
            | Error::NoSamples { .. }
            | Error::ColumnCount { .. }
            | Error::ColumnKind { .. }
            | Error::ColumnName { .. } => Self::Data,
            Error::ConfigChanged { .. } | Error::SampleChanged { .. } => Self::Changed,
            Error::Interrupted { .. } => Self::Interrupted,
            Error::FolderBusy { .. } => Self::FolderBusy,
            _ => Self::Results,
        }
    }

    fn of_model(error: &sah_adapter::Error) -> Self {
        match error {
            sah_adapter::Error::Hub(error) if error.may_pass() => Self::Network,
            _ => Self::Model,
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use sah_bench_core::{DataError, DataErrorKind};
    use sah_hub::{HubError, HubProblem, RepoKind};

    use super::{Failure, FailureKind};
    use crate::usage::UsageError;

    fn hub(problem: HubProblem) -> sah_hub::Error {
        let [endpoint, repo, revision, file] = ["http://h", "a/b", "main", "f"].map(str::to_owned);
        sah_hub::Error::Hub(Box::new(HubError {
            endpoint,
            kind: RepoKind::Model,
            repo,
            revision,
            file,
            problem,
        }))
    }

    #[test]
    fn a_kind_comes_from_the_type_wherever_it_is() {
        let unreachable = || hub(HubProblem::Unreachable { reason: String::new() });
        let of_model = |problem| sah_adapter::Error::Hub(hub(problem));
        // An error of a benchmark, whose type nobody here knows: its kind says what it is.
        let of_data = |kind| sah_bench_core::Error::Data(DataError::new(kind, "the server is asleep"));
        let kind = |error: anyhow::Error| Failure::of(&error).kind;
        let in_context = Err::<(), _>(sah_adapter::Error::Hub(unreachable())).context("loading").unwrap_err();
        assert_eq!(kind(in_context), FailureKind::Network);
        assert_eq!(kind(of_data(DataErrorKind::Network).into()), FailureKind::Network);
        assert_eq!(kind(of_model(HubProblem::Status { status: 503 }).into()), FailureKind::Network);
        let of_adapter = sah_adapter::ModelError::from(of_model(HubProblem::Status { status: 503 }));
        assert_eq!(kind(of_adapter.into()), FailureKind::Network);
        assert_eq!(kind(of_model(HubProblem::NoSuchFile).into()), FailureKind::Model);
        assert_eq!(kind(of_data(DataErrorKind::Invalid).into()), FailureKind::Data);
        assert_eq!(kind(UsageError(String::new()).into()), FailureKind::Usage);
        let busy = sah_bench_core::Error::FolderBusy { path: "x".into() };
        assert!(kind(busy.into()).may_pass());
        // Words mean nothing.
        assert_eq!(
            kind(anyhow::anyhow!("the network is busy, and CUDA is out of memory")),
            FailureKind::Other
        );
    }

    #[test]
    fn an_exit_code_says_what_to_do() {
        let code = |kind: FailureKind| kind.exit_code();
        let may_pass = [FailureKind::Network, FailureKind::Device, FailureKind::FolderBusy];
        assert_eq!(may_pass.map(code), [75; 3]);
        assert_eq!([FailureKind::Usage, FailureKind::Interrupted].map(code), [2, 130]);
        let others = [FailureKind::Data, FailureKind::Model, FailureKind::Changed, FailureKind::Other];
        assert_eq!(others.map(code), [1; 4]);
    }
}
