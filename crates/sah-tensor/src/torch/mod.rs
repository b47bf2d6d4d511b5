//! The memory of libtorch's tensors on the CPU.

mod slice;

pub use slice::{floats, written};
