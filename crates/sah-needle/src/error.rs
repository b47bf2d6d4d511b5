//! What can go wrong where rows are made.

use sah_bench_core::{DataError, DataErrorKind};
use sah_request::ModelError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Tokens cannot be counted.
    #[error(transparent)]
    Tokens(#[from] ModelError),
    /// A length without room for the needle.
    #[error("length {length}: needle, question and answer alone take {needed} tokens; take a longer one")]
    TooShort {
        /// The length.
        length: usize,
        /// What is needed at least.
        needed: usize,
    },
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        Self::new(DataErrorKind::Invalid, error)
    }
}
