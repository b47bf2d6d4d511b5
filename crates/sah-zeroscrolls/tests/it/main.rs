//! Data and scores through the crate's interface.

mod folder;
mod predictions;
mod sample;
