//! The crate from outside.

mod copies;
mod evaluate;
mod original;
mod predictions;
mod sample;
mod support;
