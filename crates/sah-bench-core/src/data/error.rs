//! What can go wrong when data is read.

use std::path::PathBuf;

use crate::{ColumnKind, DataErrorKind};

/// Why data cannot be read. Each names the file or folder, and the row where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A folder that is not there.
    #[error("{}: no such folder; give the folder that holds {expected}", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
        /// What it should hold.
        expected: String,
    },
    /// A folder without the data of a config.
    #[error(
        "{}: no data for {config}, neither {config}/{split}-*.parquet nor {config}.jsonl; there is {}",
        folder.display(), list(available)
    )]
    NoConfig {
        /// The folder.
        folder: PathBuf,
        /// The config.
        config: String,
        /// The split.
        split: String,
        /// The configs that are there.
        available: Vec<String>,
    },
    /// A config of several files of which some are missing.
    #[error(
        "{}: expected {expected} files {split}-*.parquet, as their names say, found {found}",
        folder.display()
    )]
    MissingFiles {
        /// The config's folder.
        folder: PathBuf,
        /// The split.
        split: String,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A file without a row.
    #[error("{}: the file has no rows", file.display())]
    NoRows {
        /// The file.
        file: PathBuf,
    },
    /// A file or folder that cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no Parquet file, or a damaged one.
    #[error("{}: not a readable parquet file: {source}", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// What the reader said.
        source: parquet::errors::ParquetError,
    },
    /// A Parquet file without a column that is needed.
    #[error("{}: no column {column}; there is {}", file.display(), list(found))]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// A Parquet file with a column of the wrong type.
    #[error("{}: column {column}: expected {expected}, found {found}", file.display())]
    ColumnType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// What it should hold.
        expected: ColumnKind,
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
        expected: String,
        /// What it holds.
        found: String,
    },
    /// The hub did not give a file.
    #[error(transparent)]
    Hub(#[from] sah_hub::Error),
}

impl ReadError {
    /// Whether the network is at fault, so that a later try may succeed, or the data.
    #[must_use]
    pub fn kind(&self) -> DataErrorKind {
        match self {
            Self::Hub(error) if error.may_pass() => DataErrorKind::Network,
            _ => DataErrorKind::Invalid,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
