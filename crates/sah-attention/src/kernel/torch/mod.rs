//! Attention by libtorch calls, on any device.

mod dense;
mod folded;
mod gather;
mod lists;
mod ranges;

pub use gather::GatherKernel;
