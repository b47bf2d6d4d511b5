//! Micro metrics: density and error of single attention calls, as they come and at the end of a run.

mod calls;
mod log;
mod parquet;
mod read;
mod summary;

use std::path::Path;

pub(super) use log::MicroMetricsLog;
pub use read::{MeasuredHead, MeasuredHeads, read_micro_metrics};
pub use summary::{ContextMetrics, LayerMetrics, MicroSummary};

use crate::Error;

impl MicroMetricsLog {
    /// Writes the measured calls, some of `calls`, to `parquet`, typed, and sums them up.
    pub(super) fn finish(mut self, parquet: &Path, calls: u64) -> Result<MicroSummary, Error> {
        self.sync()?;
        parquet::write(parquet, &self)?;
        summary::MicroSummary::of(&self, calls)
    }
}
