//! Tests of the public interface.

mod dataset;
mod hub;
mod predictions;
