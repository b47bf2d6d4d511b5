//! What can go wrong with data.

use std::path::PathBuf;

use sah_bench_core::data::{Hint, ReadError, Row, TemplateError};
use sah_bench_core::{DataError, DataErrorKind};

use crate::MetricError;

/// Errors of this crate. Each names the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a row or a field that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A folder of predictions without any file for a task.
    #[error(
        "{}: no predictions; {}", folder.display(),
        hint.as_ref().map_or_else(|| "expected files <task>.jsonl such as qasper.jsonl".to_owned(), ToString::to_string)
    )]
    NoPredictions {
        /// The folder.
        folder: PathBuf,
        /// What is there in their place.
        hint: Option<Hint>,
    },
    /// The bundled sample has no such config.
    #[error("the bundled sample has no config {config}")]
    NotInSample {
        /// The config.
        config: &'static str,
    },
    /// A row whose reference data is not what the task's metric needs.
    #[error("{}: row {row}, field {field}: {source}", file.display())]
    Reference {
        /// The file.
        file: PathBuf,
        /// The row, from 1; in a JSON Lines file the line.
        row: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: MetricError,
    },
    /// Prompt templates that are missing, not needed, or wrong.
    #[error(transparent)]
    Templates(#[from] TemplateError),
}

impl Error {
    pub(crate) fn reference(row: &Row<'_>, field: &'static str, source: MetricError) -> Self {
        Self::Reference { file: row.file().to_owned(), row: row.number(), field, source }
    }
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Read(error) => error.kind(),
            Error::Templates(error) => error.kind(),
            _ => DataErrorKind::Invalid,
        };
        Self::new(kind, error)
    }
}
