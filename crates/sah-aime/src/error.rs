//! What can go wrong with data.

use std::path::PathBuf;

use sah_bench_core::data::ReadError;
use sah_bench_core::{DataError, DataErrorKind};

/// Errors of this crate. Each names the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a row or a field that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A folder without problems.
    #[error(
        "{}: no problems; expected {edition}/test-*.parquet or {edition}.jsonl as on the hub, or a data set with the columns \
         problem and answer, *.parquet or *.jsonl, in the folder or in its folders data and default", folder.display()
    )]
    NoProblems {
        /// The folder.
        folder: PathBuf,
        /// The benchmark.
        edition: &'static str,
    },
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Read(error) => error.kind(),
            Error::NoProblems { .. } => DataErrorKind::Invalid,
        };
        Self::new(kind, error)
    }
}
