//! Vector code for the CPU.
//!
//! # Overview
//!
//! - An [`Element`](element::Element) is a form in which numbers are stored: f32, bf16, f16, int8 with a scale, or bytes of codes. All are widened to
//!   f32 in vectors, and sums are in f32.
//! - [`cpu`] says which instructions of the processor are used: the widest that it has ([`pulp`]), or fewer where `SAH_CPU` says so.
//! - [`exp`] has the exponential function for vectors.
//! - [`Rows`] are equally spaced rows of elements, such as the keys of one head of a KV cache. [`prefetch`] asks for memory that
//!   will be read soon, [`give_back_freed`] gives back what will not, and [`Lines`] is memory that begins with a cache line.
//! - [`product`] multiplies rows with weights that are packed in panels: plain ones, or the quantised ones of [`blocks`].
//!   [`rowwise`] has what stands between the products of a model's layer.
//! - [`torch`] does all this with tensors on the CPU, in place, and gives their memory as slices. Only it and [`Error`] know
//!   libtorch.
//!
//! # Example
//!
//! ```
//! use sah_tensor::element::F32;
//! use sah_tensor::product::{PANEL, Plain, multiply, pack};
//!
//! // 16 rows of two weights: row r is r and 1.
//! let mut weights: Vec<f32> = (0..PANEL).flat_map(|row| [row as f32, 1.0]).collect();
//! pack::<f32, 1>(&mut weights, 2);
//! let weights = Plain::<F32>::new(&weights, PANEL, 2);
//!
//! let mut output = [0.0; PANEL];
//! multiply(&[&weights], &[10.0, 5.0], 1, &mut output, 1);
//! assert_eq!(output[..3], [5.0, 15.0, 25.0]);
//! ```

pub mod blocks;
pub mod cpu;
pub mod element;
mod error;
pub mod exp;
mod freed;
mod lines;
mod prefetch;
pub mod product;
mod rows;
pub mod rowwise;
#[cfg(test)]
mod testing;
pub mod torch;

pub use error::{Error, without_frames};
pub use freed::give_back_freed;
pub use lines::Lines;
pub use prefetch::prefetch;
pub use rows::Rows;
