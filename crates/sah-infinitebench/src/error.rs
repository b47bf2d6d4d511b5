//! What can go wrong with data.

use sah_bench_core::DataError;
use sah_bench_core::data::{ReadError, TemplateError};

/// Errors of this crate. Each names the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a row or a field that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Prompt templates that are missing, not needed, or wrong.
    #[error(transparent)]
    Templates(#[from] TemplateError),
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Read(error) => error.kind(),
            Error::Templates(error) => error.kind(),
        };
        Self::new(kind, error)
    }
}
