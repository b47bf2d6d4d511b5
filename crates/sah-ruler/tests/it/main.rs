//! Tests of the public interface.

#![expect(clippy::float_cmp, reason = "scores are the official ones in every digit")]

mod dataset;
mod hub;
mod predictions;
