//! Reading `micro_metrics.parquet` back.

use std::path::Path;

use arrow::array::Array as _;

use crate::Error;
use crate::results::read::{Batch, Batches};

/// Rows that are in memory at once.
const BATCH: usize = 8192;

/// What was measured of one query head in one call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredHead {
    /// The sample's position in the run, from 0.
    pub index: usize,
    /// 0 for the rows of the question, `n` for the `n`-th new token.
    pub step: usize,
    /// The layer, from 0.
    pub layer: usize,
    /// The query head, from 0.
    pub head: usize,
    /// Share of the visible keys that the head read.
    pub density: f64,
    /// Error of its output; `None` where it is no number.
    pub output_error: Option<f64>,
    /// The density of the call, all heads included.
    pub call_density: f64,
    /// The error of the call, all heads included.
    pub call_output_error: Option<f64>,
}

/// The rows of a `micro_metrics.parquet`, call after call, each with its heads from 0.
#[derive(Debug)]
pub struct MeasuredHeads(Batches<MeasuredHead>);

/// Opens a `micro_metrics.parquet`.
///
/// # Errors
///
/// [`Error::Missing`] where there is none, [`Error::Parquet`] where it cannot be read; rows come with
/// [`Error::ResultColumn`] where it has other columns.
pub fn read_micro_metrics(path: &Path) -> Result<MeasuredHeads, Error> {
    let names =
        ["index", "step", "layer", "head", "density", "output_error", "call_density", "call_output_error"];
    Ok(MeasuredHeads(Batches::open(path, BATCH, names)?))
}

impl MeasuredHead {
    fn of_batch(batch: Batch<'_>) -> Result<Vec<Self>, Error> {
        let (index, step) = (batch.integers("index")?, batch.integers("step")?);
        let (layer, head) = (batch.integers("layer")?, batch.integers("head")?);
        let (density, error) = (batch.numbers("density")?, batch.numbers("output_error")?);
        let (call_density, call_error) =
            (batch.numbers("call_density")?, batch.numbers("call_output_error")?);
        let row = |at: usize| Self {
            index: index.value(at) as usize,
            step: step.value(at) as usize,
            layer: layer.value(at) as usize,
            head: head.value(at) as usize,
            density: density.value(at),
            output_error: error.is_valid(at).then(|| error.value(at)),
            call_density: call_density.value(at),
            call_output_error: call_error.is_valid(at).then(|| call_error.value(at)),
        };
        Ok((0..batch.rows.num_rows()).map(row).collect())
    }
}

impl Iterator for MeasuredHeads {
    type Item = Result<MeasuredHead, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(MeasuredHead::of_batch)
    }
}
