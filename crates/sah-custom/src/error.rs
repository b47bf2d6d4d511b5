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
    /// A metric that looks words up, and nothing to look them up in.
    #[error("the metric {metric} needs a WordNet")]
    NoWordNet {
        /// The metric.
        metric: &'static str,
    },
    /// A folder without data.
    #[error("{}: no data; expected files *.jsonl or *.parquet, in it or in its folders", folder.display())]
    NoData {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of another kind.
    #[error("{}: expected a file .jsonl or .parquet", file.display())]
    FileKind {
        /// The file.
        file: PathBuf,
    },
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Read(error) => error.kind(),
            _ => DataErrorKind::Invalid,
        };
        Self::new(kind, error)
    }
}
