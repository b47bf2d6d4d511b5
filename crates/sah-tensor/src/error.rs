//! The errors of this crate.

use tch::{Device, Kind, TchError};

/// Why a tensor's memory cannot be used in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not on the CPU.
    #[error("a tensor on {0:?} cannot be read in place; it must be on the CPU")]
    Device(Device),
    /// Its elements are of another kind.
    #[error("a tensor of {found:?} stands where one of {expected:?} is read")]
    Kind {
        /// What is read.
        expected: Kind,
        /// What the tensor has.
        found: Kind,
    },
    /// Its elements, or those of a row, do not lie side by side, or rows do not begin with a word of the elements.
    #[error(
        "a tensor of size {size:?} and strides {stride:?} is not laid out so that it can be read in place"
    )]
    Layout {
        /// Its size.
        size: Vec<i64>,
        /// Its strides.
        stride: Vec<i64>,
    },
    /// It has another shape than its role asks for.
    #[error("a tensor of size {found:?} stands where {expected} is expected")]
    Shape {
        /// What is expected.
        expected: String,
        /// The tensor's size.
        found: Vec<i64>,
    },
    /// It shares memory with the tensor that is written to.
    #[error("a tensor shares memory with the one that is written to")]
    Overlap,
    /// libtorch refused an operation.
    #[error("libtorch: {}", without_frames(.0))]
    Tch(#[from] TchError),
}

/// What `error` says, less the frames of libtorch's own stack that follow it.
#[must_use]
pub fn without_frames(error: &TchError) -> String {
    let text = error.to_string();
    let end = ["\nframe #0: ", "\nException raised from "].iter().filter_map(|mark| text.find(mark)).min();
    text[..end.unwrap_or(text.len())].to_owned()
}
