//! Pickles of tensors, read without running any code of them.
//!
//! A pickle is a program for a small stack machine whose instructions may name any function of Python and call it. The
//! machine here knows the eight [globals](Global) that files of weights need and builds plain [values](Value). Another
//! name is an error before anything is done with it. Every instruction takes a byte of the file at least and adds a value
//! at most, and there is a limit on instructions: memory stays in proportion to the file.
//!
//! Three containers: a plain pickle (`pickle.dump`, protocol 3 or later), the zip archive of `torch.save`, and the form that
//! `torch.save` had before 1.6, in which a plain pickle holds the bytes of its tensors, too.

mod archive;
mod globals;
mod legacy;
mod machine;
mod tensor;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;

pub use self::globals::Global;
use self::machine::{Budget, Storages, run};
pub use self::tensor::Strided;
pub use self::value::{Saved, Value};

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A class or function that is not among those allowed.
    Forbidden {
        /// The module of Python.
        module: String,
        /// The name in it.
        name: String,
        /// Byte of the pickle.
        at: usize,
    },
    /// An instruction that is not known, cannot be carried out, or lies beyond the end.
    Instruction {
        /// Byte of the pickle.
        at: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// More work than files of weights need.
    TooMuch,
    /// Another kind of value in some place.
    Unexpected {
        /// The kind that was expected.
        expected: &'static str,
        /// The kind that is there.
        found: &'static str,
    },
    /// A tensor that does not lie in its storage.
    Tensor(String),
    /// A storage that is not there.
    Storage(String),
    /// A container that is not as it must be.
    Container(String),
}

/// A result whose error is a [`Problem`].
pub type Result<T> = std::result::Result<T, Problem>;

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Forbidden { module, name, at } => write!(f, "byte {at}: asks for {module}.{name}"),
            Self::Instruction { at, problem } => write!(f, "byte {at}: {problem}"),
            Self::TooMuch => f.write_str("asks for more work than weights need"),
            Self::Unexpected { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Tensor(problem) | Self::Container(problem) => f.write_str(problem),
            Self::Storage(name) => write!(f, "the elements of tensor storage `{name}` are not in the file"),
        }
    }
}

impl std::error::Error for Problem {}

/// Reads a file in any of the three forms.
///
/// # Errors
///
/// A [`Problem`]: a name that is not allowed, a broken file, or more work than a file of weights needs.
pub fn read(bytes: &[u8]) -> Result<Saved<'_>> {
    let budget = &mut Budget::of(bytes);
    if archive::is_one(bytes) {
        return archive::read(bytes, budget);
    }
    if legacy::is_one(bytes) {
        return legacy::read(bytes, budget);
    }
    let (root, objects, _) = run(bytes, 0, Storages::Inside, budget)?;
    Ok(Saved { root, objects, beside: HashMap::new() })
}
