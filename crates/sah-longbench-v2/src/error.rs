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
    /// The authors' data, and no prompts to make questions of it.
    #[error("{}: its questions have no prompts; the authors' prompt files are needed: 0shot.txt; of cot 0shot_cot.txt and 0shot_cot_ans.txt", file.display())]
    NoPrompts {
        /// The data.
        file: PathBuf,
    },
    /// Prompts that no row needs.
    #[error("{}: no row needs a prompt: only the authors' data.json and cot do", folder.display())]
    PromptsUnused {
        /// The folder of prompts.
        folder: PathBuf,
    },
    /// A prompt that asks for the answer after the reasoning, and has the text in it.
    #[error("{}: {field} in it; the answer is asked for without the text", file.display())]
    TextInAnswerPrompt {
        /// The file.
        file: PathBuf,
        /// The field of the text.
        field: &'static str,
    },
    /// A prompt that cannot be used.
    #[error("{}: no {field} in it, where the row's text goes", file.display())]
    Prompt {
        /// The file.
        file: PathBuf,
        /// The field that is missing.
        field: &'static str,
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
