//! Vector code for the CPU.
//!
//! # Overview
//!
//! - An [`Element`](element::Element) is a form in which numbers are stored: f32, bf16, f16, int8 with a scale, or bytes of codes. Of the first
//!   three, dot products and weighted sums read rows as they are, with the widest instructions of the processor ([`pulp`]),
//!   and sum in f32 ([`Factor`](element::Factor)).
//! - [`exp`] has the exponential function for vectors.
//! - [`Rows`] are equally spaced rows of elements, such as the keys of one head of a KV cache. [`prefetch`] asks for memory that
//!   will be read soon, [`give_back_freed`] gives back what will not.
//! - [`product`] multiplies plain weights with few rows, [`blocks`] does so with weights in GGUF's quantised blocks, and
//!   [`rowwise`] has what stands between the products of a model's layer.
//! - [`torch`] does all this with tensors on the CPU, in place, and gives their memory as slices. Only it and [`Error`] know
//!   libtorch.
//!
//! # Example
//!
//! ```
//! use pulp::{Arch, Simd, WithSimd};
//! use sah_tensor::element::{Bf16, Factor, Parts};
//!
//! /// The dot product of a vector and a row of bf16 numbers.
//! struct Dot<'a>(&'a [f32], &'a [u32]);
//!
//! impl WithSimd for Dot<'_> {
//!     type Output = f32;
//!
//!     #[inline(always)]
//!     fn with_simd<S: Simd>(self, simd: S) -> f32 {
//!         Bf16::dot(simd, self.0, self.1)
//!     }
//! }
//!
//! let row = [0x4000_3F80, 0x4080_4040]; // 1, 2, 3, 4: the first number is the lower half
//! let vector = Bf16::arrange(&[1.0, 10.0, 100.0, 1000.0]);
//! assert_eq!(Arch::new().dispatch(Dot(&vector, &row)), 4321.0);
//! ```

pub mod blocks;
pub mod element;
mod error;
pub mod exp;
mod freed;
mod prefetch;
pub mod product;
mod rows;
pub mod rowwise;
#[cfg(test)]
mod testing;
pub mod torch;

pub use error::{Error, without_frames};
pub use freed::give_back_freed;
pub use prefetch::prefetch;
pub use rows::Rows;
