//! Tensors of libtorch on the CPU, in place.
//!
//! # Who may write
//!
//! Every handle of a tensor, and every view of it, can write to its memory at any time; neither Rust nor libtorch keeps count.
//! Functions that give out a tensor's memory as a slice are therefore `unsafe`: they check all that can be checked (device, kind,
//! layout, bounds), and leave to the caller that nobody writes meanwhile. The other functions hold such slices only while they
//! run and call nothing of libtorch then. Like libtorch's own operations, they expect that no other thread writes to the same
//! memory, and those whose `&mut Tensor` they write to change all its views, too.

mod copy;
mod matrix;
mod packed;
mod rows;
pub mod rowwise;
mod slice;
mod vector_functions;

pub use copy::copy_rows;
pub use matrix::Matrix;
pub use packed::Packed;
pub use rows::{Stored, heads, is_readable};
pub use slice::{elements, leading, written};
pub use vector_functions::choose_vector_functions;

use tch::{Kind, TchError, Tensor};

/// `x` as `kind`, itself where it is. A call of libtorch that has nothing to do takes its time, too.
pub fn as_kind(x: &Tensor, kind: Kind) -> Result<Tensor, TchError> {
    if x.kind() == kind { Ok(x.shallow_clone()) } else { x.f_to_kind(kind) }
}
