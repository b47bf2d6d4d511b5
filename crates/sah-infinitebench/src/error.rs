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
    /// Rows of the authors' form, and no prompt templates to make questions of them.
    #[error(
        "{}: row {row} has an input and no answer_prefix; the authors' prompt templates are needed, InfiniteBench's src/prompt.py",
        file.display()
    )]
    NoPrompts {
        /// The file.
        file: PathBuf,
        /// The row, from 1: the line.
        row: usize,
    },
    /// Prompt templates that no row needs.
    #[error("{}: no row needs a template: all rows have an answer_prefix of their own", file.display())]
    PromptsUnused {
        /// The file of templates.
        file: PathBuf,
    },
    /// A file of prompt templates that is none.
    #[error("{}: {problem}", file.display())]
    PromptsFile {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A task without a template, or one that cannot be used.
    #[error("{}: template of {task} in {family}: {problem}", file.display())]
    Template {
        /// The file of templates.
        file: PathBuf,
        /// The dictionary in it.
        family: String,
        /// The task.
        task: &'static str,
        /// What is wrong.
        problem: String,
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
