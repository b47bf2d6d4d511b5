//! What can go wrong in a benchmark run.

use std::path::PathBuf;

use sah_message::meant;

use crate::ColumnKind;

/// Errors of this crate. Each says what was wrong and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- arguments ----
    /// A subset that the benchmark does not have.
    #[error("{benchmark} has no subset {subset:?}; {}", meant(subset, valid.iter().map(String::as_str)))]
    UnknownSubset {
        /// The benchmark.
        benchmark: String,
        /// The requested name.
        subset: String,
        /// What there is.
        valid: Vec<String>,
    },
    /// A list of subsets with nothing in it.
    #[error("the list of subsets is empty; {benchmark} has {}", valid.join(", "))]
    NoSubsets {
        /// The benchmark.
        benchmark: String,
        /// What there is.
        valid: Vec<String>,
    },
    /// A run or attention name that cannot be the name of a folder.
    #[error(
        "{name:?} cannot be a folder's name, and {of} names one; use letters, digits, '.', '_', '-' and '+', and do not \
         begin with '.'"
    )]
    FolderName {
        /// What has the name.
        of: Named,
        /// The name.
        name: String,
    },

    // ---- the data ----
    /// The samples could not be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// There is nothing to run.
    #[error("{benchmark}: no samples in {}", subsets.join(", "))]
    NoSamples {
        /// The benchmark.
        benchmark: String,
        /// The subsets that were loaded.
        subsets: Vec<String>,
    },
    /// A sample without exactly one value for each of the benchmark's own columns.
    #[error("row {row} ({task}): {found} values for the benchmark's own columns, which are {}", expected.join(", "))]
    ColumnCount {
        /// Position in the run, from 0.
        row: usize,
        /// The row's subset.
        task: String,
        /// The names of the columns.
        expected: Vec<&'static str>,
        /// How many values the row has.
        found: usize,
    },
    /// A sample with a value of the wrong kind.
    #[error("row {row} ({task}), column {column:?}: expected {expected} or null, found {found}")]
    ColumnKind {
        /// Position in the run, from 0.
        row: usize,
        /// The row's subset.
        task: String,
        /// The column.
        column: &'static str,
        /// What the column holds.
        expected: ColumnKind,
        /// What the row has there.
        found: ColumnKind,
    },
    /// One of the benchmark's own columns has the name of another column of the result files.
    #[error(
        "the benchmark's own column {column:?} has the name of another column of the result files; rename it"
    )]
    ColumnName {
        /// The name.
        column: &'static str,
    },

    // ---- the result folder ----
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The result folder cannot be made or written to.
    #[error("cannot write results to {}: {source}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The result folder already holds results.
    #[error("{} already holds results ({found}), which are never overwritten", path.display())]
    FolderUsed {
        /// The folder.
        path: PathBuf,
        /// The file that was found in it.
        found: &'static str,
    },
    /// A run that goes on is not the one that was begun.
    #[error(
        "{}: {key} was {was} and is {is} now; a run goes on only with the model, attention, data and limits that it began \
         with",
        path.display()
    )]
    ConfigChanged {
        /// The file that says what the run began with.
        path: PathBuf,
        /// What differs, as `key.key`.
        key: String,
        /// Its value in the file, in JSON.
        was: String,
        /// Its value now.
        is: String,
    },
    /// A row that was answered is another one now.
    #[error(
        "row {row} ({task}) is not the row that the journal in {} has an answer to: the data changed since the run began",
        folder.display()
    )]
    SampleChanged {
        /// Position in the run, from 0.
        row: usize,
        /// The subset of the row that was answered.
        task: String,
        /// The folder of the run.
        folder: PathBuf,
    },
    /// The run was stopped on request.
    #[error("stopped after {rows_done} of {rows_total} rows of {attention}, which are kept")]
    Interrupted {
        /// Rows that are in the journal.
        rows_done: usize,
        /// Rows of the run.
        rows_total: usize,
        /// The attention that was running.
        attention: String,
        /// The folder of the run, with those of its attentions.
        run: PathBuf,
    },
    /// Shards do not make up a run.
    #[error("{}: row {row} is in no shard; were the shards made of the same rows?", folder.display())]
    ShardRows {
        /// The folder that has those of the shards.
        folder: PathBuf,
        /// Position in the run, from 0.
        row: usize,
    },
    /// Another process is writing to the result folder.
    #[error("another run is writing to {}", path.display())]
    FolderBusy {
        /// The folder.
        path: PathBuf,
    },
    /// A result file that is not there.
    #[error("{} is missing: the run did not finish, or this is no result folder", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },

    // ---- the result files ----
    /// A value that JSON cannot express: NaN or an infinity.
    #[error("{}: {key} is {value}, which is not a number that can be written", path.display())]
    NotFinite {
        /// The file that was being written.
        path: PathBuf,
        /// Where in it, as `key.key[index]`.
        key: String,
        /// The value.
        value: f64,
    },
    /// A JSON file that cannot be written or read.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A line of a journal that is not what the runner writes.
    #[error("{}, line {line}: {problem}; only the last line of a journal may be broken", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why, with the column.
        problem: String,
    },
    /// A line of the micro metrics that is not what the runner writes.
    #[error("{}, line {line}: {problem}; did something else write to it during the run?", path.display())]
    MicroMetrics {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why, with the column.
        problem: String,
    },
    /// There are not as many measured calls in the micro metrics as were written.
    #[error(
        "{}: {written} measured calls were written and {read} are there; did something else write to it during the run?",
        path.display()
    )]
    MicroMetricsLost {
        /// The log.
        path: PathBuf,
        /// Calls that were written.
        written: u64,
        /// Calls that were read back.
        read: u64,
    },
    /// A CSV file that cannot be written.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A Parquet file that cannot be written or read.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },

    /// A Parquet file without a column that it should have.
    #[error(
        "{}: no column {column:?} of {expected} in every row; was it made by another benchmark or program?",
        path.display()
    )]
    ResultColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// What it should hold.
        expected: &'static str,
    },

    // ---- scoring ----
    /// The benchmark's scorer panicked. The rows were written before.
    #[error("scoring {benchmark} failed: {message}; all answers are kept in {}", folder.display())]
    Scoring {
        /// The benchmark.
        benchmark: String,
        /// What the panic said.
        message: String,
        /// Where the answers are.
        folder: PathBuf,
    },
    /// A row whose answer cannot be scored.
    #[error("a row of {task} cannot be scored: field {field}: {problem}")]
    Unscorable {
        /// The row's subset.
        task: String,
        /// The field that keeps it from being scored.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A comparison of no results.
    #[error("there are no results to compare")]
    NothingToCompare,
}

/// What a folder of results is named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A run.
    Run,
    /// One of its attentions.
    Attention,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Run => "the run",
            Self::Attention => "the attention",
        })
    }
}

/// Why samples, or predictions to be scored, could not be loaded: an error of the benchmark, shown as it is.
#[derive(Debug)]
pub struct DataError {
    /// What kind of thing went wrong.
    pub kind: DataErrorKind,
    remedy: Option<String>,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// What kind of thing went wrong with data: it decides whether a run is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataErrorKind {
    /// A server cannot be reached or is in trouble; the same may succeed a little later.
    Network,
    /// What is there cannot be used, or is not there.
    Invalid,
}

impl DataError {
    /// An error of the benchmark and its kind.
    pub fn new(kind: DataErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, remedy: None, source: source.into() }
    }

    /// The benchmark's own error.
    #[must_use]
    pub fn inner(&self) -> &(dyn std::error::Error + 'static) {
        &*self.source
    }

    /// With what helps, as the end of its sentence: in the words of whoever shows it.
    #[must_use]
    pub fn with_remedy(self, remedy: String) -> Self {
        Self { remedy: Some(remedy), ..self }
    }
}

impl std::fmt::Display for DataError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// It stands for the error that it holds, which is therefore none of its sources.
impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

/// The text of an error, followed by those of its sources that it does not already quote.
#[must_use]
pub fn full_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// What is wrong with a text that is one line of a file, with the column: for the parser every line is the first.
pub(crate) fn line_problem(error: &serde_json::Error) -> String {
    let (text, line, column) = (error.to_string(), error.line(), error.column());
    match text.strip_suffix(&format!(" at line {line} column {column}")) {
        Some(text) => format!("{text} at column {column}"),
        None => text,
    }
}

/// What a caught panic said.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("layer 3 failed")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_named_once() {
        let hidden = Outer(std::io::Error::other("out of memory"));
        assert_eq!(full_text(&hidden), "layer 3 failed: out of memory");
        let quoted = Error::Io { path: "x.json".into(), source: std::io::Error::other("disk full") };
        assert_eq!(full_text(&quoted), "x.json: disk full");
    }
}
