//! What can go wrong with data.

use std::path::PathBuf;

use sah_bench_core::{DataError, DataErrorKind};

use crate::MetricError;

/// Errors of this crate. Each names the place. Rows count from 1; in a JSON Lines
/// file they are its lines, blank ones included.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder that is not there.
    #[error("{}: no such folder; give the folder that holds {expected}", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// A folder without the data of a config.
    #[error(
        "{}: no data for {config}, neither {config}/test-*.parquet nor {config}.jsonl; there is {}",
        folder.display(), list(available)
    )]
    NoConfig {
        /// The folder.
        folder: PathBuf,
        /// The config.
        config: &'static str,
        /// The configs that are there.
        available: Vec<String>,
    },
    /// A config of several files of which some are missing.
    #[error("{}: expected {expected} files test-*.parquet, as their names say, found {found}", folder.display())]
    MissingShards {
        /// The config's folder.
        folder: PathBuf,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A folder of predictions without any file for a task.
    #[error("{}: no predictions; expected files <task>.jsonl such as qasper.jsonl", folder.display())]
    NoPredictions {
        /// The folder.
        folder: PathBuf,
    },
    /// A file without a row.
    #[error("{}: the file has no rows", file.display())]
    NoRows {
        /// The file.
        file: PathBuf,
    },
    /// The bundled sample has no such config.
    #[error("the bundled sample has no config {config}")]
    NotInSample {
        /// The config.
        config: &'static str,
    },
    /// A file or folder that cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no parquet file, or a damaged one.
    #[error("{}: not a readable parquet file: {source}", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// What the reader said.
        source: parquet::errors::ParquetError,
    },
    /// A parquet file without a column that is needed.
    #[error("{}: no column {column}; there is {}", file.display(), list(found))]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// A parquet file with a column of the wrong type.
    #[error("{}: column {column}: expected {expected}, found {found}", file.display())]
    ColumnType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A line that is no JSON object.
    #[error("{}: line {row}: expected a JSON object: {source}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The line.
        row: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A field with a wrong value or without one.
    #[error("{}: row {row}, field {field}: expected {expected}, found {found}", file.display())]
    Field {
        /// The file.
        file: PathBuf,
        /// The row.
        row: usize,
        /// The field.
        field: &'static str,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A row whose reference data is not what the task's metric needs.
    #[error("{}: row {row}, field {field}: {source}", file.display())]
    Reference {
        /// The file.
        file: PathBuf,
        /// The row.
        row: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        source: MetricError,
    },
    /// Rows of the LongBench authors' form, and no prompt templates to make questions of them.
    #[error(
        "{}: row {row} has an input and no question; the prompt templates of its tasks are needed, LongBench's \
         dataset2prompt.json", file.display()
    )]
    NoPrompts {
        /// The file.
        file: PathBuf,
        /// The row.
        row: usize,
    },
    /// A file of prompt templates that is none.
    #[error("{}: expected a JSON object of texts, {{task: template}}: {source}", file.display())]
    PromptsFile {
        /// The file.
        file: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A task without a template, or one that cannot be used.
    #[error("{}: template of {task}: {problem}", file.display())]
    Template {
        /// The file of templates.
        file: PathBuf,
        /// The task.
        task: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The hub did not give a file.
    #[error(transparent)]
    Hub(#[from] sah_hub::Error),
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Hub(hub) if hub.may_pass() => DataErrorKind::Network,
            _ => DataErrorKind::Invalid,
        };
        Self::new(kind, error)
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
