//! What can go wrong when data is read.

use std::path::{Path, PathBuf};

use super::folder::DEFAULT_CONFIG;
use super::hint::{Hint, compression};
use crate::DataErrorKind;

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
    /// A file in the place of a folder.
    #[error("{}: a file, not a folder; {}", file.display(), folder_of(file))]
    NotAFolder {
        /// The file.
        file: PathBuf,
    },
    /// A folder without the data of a config.
    #[error(
        "{}: no data for {config}, neither {}/{split}-*.parquet nor {}.jsonl; {}",
        folder.display(), if config == DEFAULT_CONFIG { "data" } else { config },
        if config == DEFAULT_CONFIG { split } else { config }, hint.as_ref().map_or_else(|| format!("there is {}", list(available)), ToString::to_string)
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
        /// What is there in its place.
        hint: Option<Box<Hint>>,
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
    /// The card of a data set that says nothing of a config's files, or what cannot be read.
    #[error("{}: {problem}", file.display())]
    Card {
        /// The card, `README.md`.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Files that a data set's card names and that are not there.
    #[error("{}: no file {path}, as {} has it for {config}", folder.display(), super::card::CARD)]
    NoFileOfCard {
        /// The folder of the data set.
        folder: PathBuf,
        /// The path, with `*` where the card has it.
        path: String,
        /// The config.
        config: String,
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
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A line that is no JSON object.
    #[error("{}: line {row}: expected a JSON object: {problem}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The line.
        row: usize,
        /// What the parser said, with the column.
        problem: String,
    },
    /// A file that is no JSON array of objects.
    #[error("{}: expected a JSON array of objects: {source}", file.display())]
    JsonArray {
        /// The file.
        file: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// A compressed file where text is expected.
    #[error("{}: compressed ({format}); unpack it first", file.display())]
    Compressed {
        /// The file.
        file: PathBuf,
        /// `gzip`, `zip`, ...
        format: &'static str,
    },
    /// Text in another encoding than UTF-8.
    #[error("{}: {}", file.display(), not_utf8(*line, *encoding))]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// The first line with a byte that is no UTF-8.
        line: usize,
        /// The encoding, where a byte order mark tells it.
        encoding: Option<&'static str>,
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

/// What to do with a file in the place of a folder.
fn folder_of(file: &Path) -> String {
    match (compression(file), file.parent()) {
        (Some(format), _) => format!("unpack it ({format}) and give the folder that comes of it"),
        (None, Some(folder)) if folder != Path::new("") => format!("give its folder, {}", folder.display()),
        _ => "give its folder".to_owned(),
    }
}

fn not_utf8(line: usize, encoding: Option<&str>) -> String {
    match encoding {
        Some(encoding) => format!("{encoding} text; save it as UTF-8"),
        None => format!("line {line} is not UTF-8; save the file as UTF-8"),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
