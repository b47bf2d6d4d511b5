//! Data and scores through the crate's interface.

#![expect(clippy::float_cmp, reason = "scores are exact")]

mod folder;
mod predictions;
mod sample;
