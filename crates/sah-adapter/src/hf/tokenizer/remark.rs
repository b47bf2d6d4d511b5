//! What the files of a tokenizer say and what is not done as they say it.

use std::fmt;

/// Something that makes other tokens, or other numbers of them, than the files of a tokenizer seem to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenizerRemark {
    /// A field that transformers reads and that is not applied here.
    NotApplied {
        /// The file.
        file: String,
        /// The field.
        field: String,
        /// What it says, as JSON.
        value: String,
        /// What is done instead.
        instead: &'static str,
    },
    /// A token that is not given the number that a file has for it: tokens are added in the order of their numbers, behind those
    /// of the vocabulary, as transformers does it.
    OtherNumber {
        /// The file.
        file: String,
        /// The token.
        token: String,
        /// The number in the file.
        said: u32,
        /// The number that it has.
        number: u32,
    },
    /// A token without a row in the model's embeddings.
    NoRow {
        /// The token.
        token: String,
        /// Its number.
        number: u32,
        /// How many rows there are.
        rows: u64,
    },
}

impl fmt::Display for TokenizerRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotApplied { file, field, value, instead } => {
                write!(f, "{file}: `{field}` is {value}, which is not applied: {instead}")
            }
            Self::OtherNumber { file, token, said, number } => write!(
                f,
                "{file}: token `{token}` has the number {said}, but is {number}, as in transformers: added tokens \
                 follow those of the vocabulary in order"
            ),
            Self::NoRow { token, number, rows } => write!(
                f,
                "token `{token}` has the number {number}, but the model has embeddings of {rows} tokens: a text \
                 that has it cannot be read"
            ),
        }
    }
}
