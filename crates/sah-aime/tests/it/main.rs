//! The crate from outside.

mod copies;
mod evaluate;
mod originals;
mod parquet_file;
mod predictions;
