//! What every long-context benchmark shares.

mod benchmark;
mod error;
mod sample;

pub use benchmark::{Benchmark, Metrics, TaskScore};
pub use error::Error;
pub use sample::{Column, ColumnKind, Record, RecordStats, Sample, Value};
