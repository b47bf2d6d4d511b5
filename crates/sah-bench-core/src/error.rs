//! What can go wrong in a benchmark run.

use std::path::PathBuf;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A subset that the benchmark does not have.
    #[error("{benchmark} has no subset {subset:?}; it has {}", valid.join(", "))]
    UnknownSubset {
        /// The benchmark.
        benchmark: &'static str,
        /// What was asked for.
        subset: String,
        /// What there is.
        valid: Vec<&'static str>,
    },
    /// The samples could not be loaded.
    #[error(transparent)]
    Data(Box<dyn std::error::Error + Send + Sync>),
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
