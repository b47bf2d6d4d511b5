//! What can go wrong with RULER's rows.

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
    /// A folder without rows in any layout of RULER's.
    #[error(
        "{}: no rows of RULER; expected <length>/test-*.parquet, <length>/<task>/validation.jsonl, <task>/<task>-*.parquet or \
         <task>/validation.jsonl", folder.display()
    )]
    NoRows {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder without predictions.
    #[error("{}: no predictions; expected <length>/pred/<task>.jsonl, or <task>.jsonl", folder.display())]
    NoPredictions {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder without one of the lengths.
    #[error("{}: no rows of length {length}; there is {}", folder.display(), lengths(available))]
    NoLength {
        /// The folder.
        folder: PathBuf,
        /// The length.
        length: usize,
        /// Those that are there.
        available: Vec<usize>,
    },
    /// A folder by task, whose rows do not say how long they are.
    #[error("{}: rows are by task and do not say their length; name it, one length", folder.display())]
    WhichLength {
        /// The folder.
        folder: PathBuf,
    },
    /// None but tasks over documents, and no file of questions for them.
    #[error(
        "qa_1 and qa_2 are questions over documents, whose files are not bundled; give SQuAD 2.0's or HotpotQA's dev file"
    )]
    NoQuestions,
    /// A text in which nothing can be hidden.
    #[error("{}: no word ends a sentence, with `.`, `!` or `?`, and needles stand between sentences; give a text that has them", place.display())]
    NoSentences {
        /// The file or folder.
        place: PathBuf,
    },
    /// Another haystack than the usual one, and no task that has it.
    #[error("no haystack but prose has an effect: none of the tasks is one that RULER hides in essays")]
    UnusedHaystack,
    /// A file of questions for a task that is not run.
    #[error("{}: the questions of {task}, which is not run", file.display())]
    UnusedQuestions {
        /// The file.
        file: PathBuf,
        /// The task that they are for.
        task: &'static str,
    },
    /// Fewer questions than rows.
    #[error("{}: {questions} questions for {task}, and {rows} rows are asked for; give a larger file, or ask for fewer rows", file.display())]
    FewQuestions {
        /// The file.
        file: PathBuf,
        /// The task.
        task: &'static str,
        /// How many questions have an answer.
        questions: usize,
        /// How many rows there are to be.
        rows: usize,
    },
    /// Two files of the same kind.
    #[error("{}: a second file of the same questions, beside {}; give one of SQuAD and one of HotpotQA", second.display(), first.display())]
    TwoFiles {
        /// The file that was given first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A length that a task does not fit in.
    #[error(
        "{task} does not fit in {length} tokens: its shortest row takes {needed}, the answer included; ask for a longer length, or leave out the task"
    )]
    TooShort {
        /// The task.
        task: &'static str,
        /// The length.
        length: usize,
        /// How many tokens its shortest row takes.
        needed: usize,
    },
    /// A length that the model has no positions for.
    #[error(
        "rows of {length} tokens are longer than the model's {positions} positions; ask for shorter lengths"
    )]
    AbovePositions {
        /// The length.
        length: usize,
        /// How many tokens prompt and answer may have.
        positions: usize,
    },
    /// The model's files do not say how many positions it has.
    #[error(transparent)]
    Positions(sah_request::ModelError),
    /// A file of documents that a length has room for.
    #[error(
        "{}: too few documents for {task} at {length} tokens: all of them take {used}; give a larger file, or ask for shorter lengths",
        file.as_deref().unwrap_or(std::path::Path::new("the word list")).display()
    )]
    TooFew {
        /// The task.
        task: &'static str,
        /// The length.
        length: usize,
        /// How many tokens all documents take.
        used: usize,
        /// The file.
        file: Option<PathBuf>,
    },
    /// A tokenizer that takes long texts for few tokens.
    #[error(
        "{task} cannot be made {length} tokens long: with as many words or lines its row still takes only {used}; the model's tokenizer \
         does not take texts apart"
    )]
    NotCounted {
        /// The task.
        task: &'static str,
        /// The length.
        length: usize,
        /// How many tokens the row takes.
        used: usize,
    },
    /// Tokens could not be counted.
    #[error("{task}: tokens cannot be counted: {source}")]
    Count {
        /// The task.
        task: &'static str,
        /// What the tokenizer said.
        source: sah_request::ModelError,
    },
    /// Nothing of a task in the data.
    #[error("{}: no rows of {task}", place.display())]
    NoTask {
        /// The file or folder.
        place: PathBuf,
        /// The task.
        task: &'static str,
    },
}

fn lengths(of: &[usize]) -> String {
    of.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
