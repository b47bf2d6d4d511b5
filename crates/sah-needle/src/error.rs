//! What can go wrong where rows are made.

use std::path::PathBuf;

use sah_bench_core::data::ReadError;
use sah_bench_core::{DataError, DataErrorKind};
use sah_request::ModelError;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Tokens cannot be counted.
    #[error(transparent)]
    Tokens(#[from] ModelError),
    /// A file, a row or a field that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A text that does not fill a length.
    #[error("{}: row {row}, field context: expected a text that fills {length} tokens, found one for {found}; take a shorter length, or a longer text", file.display())]
    TextTooShort {
        /// The file.
        file: PathBuf,
        /// The row, from 1.
        row: usize,
        /// The length.
        length: usize,
        /// Tokens of the prompt with all of the text, and of the answer.
        found: usize,
    },
    /// A length without room for the needle.
    #[error("length {length}: needle, question and answer alone take {needed} tokens; take a longer one")]
    TooShort {
        /// The length.
        length: usize,
        /// What is needed at least.
        needed: usize,
    },
    /// A length that the model has no positions for.
    #[error(
        "length {length}: prompt and answer may take no more than the model's {positions} positions; take a shorter one"
    )]
    TooLong {
        /// The length.
        length: usize,
        /// How many positions there are.
        positions: usize,
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
