//! Tests of the public interface.

mod dataset;
mod dataset_errors;
mod evaluate;
mod golden;
mod parquet_file;
mod predictions;
mod sample;
