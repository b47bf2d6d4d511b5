//! Tests of the public interface.

mod dataset;
mod dataset_errors;
mod evaluate;
mod golden;
mod hub;
mod parquet_file;
mod predictions;
mod sample;
