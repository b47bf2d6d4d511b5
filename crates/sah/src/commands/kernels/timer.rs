//! Times by criterion.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use criterion::{Criterion, SamplingMode};
use serde::Deserialize;

/// Measures, and keeps criterion's files in a folder.
pub(super) struct Timer {
    criterion: Criterion,
    folder: PathBuf,
    seconds: f64,
}

/// What criterion found, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) median: f64,
    /// 95 % confidence interval of the median.
    pub(super) interval: (f64, f64),
}

impl Timer {
    pub(super) fn new(folder: &Path, seconds: f64) -> Self {
        let criterion = Criterion::default().without_plots().output_directory(folder);
        Self { criterion, folder: folder.to_owned(), seconds }
    }

    /// Time of one call of `work`, which has run once before.
    pub(super) fn time(
        &mut self,
        setting: &str,
        side: &str,
        work: &mut dyn FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Time> {
        work()?;
        let mut group = self.criterion.benchmark_group(setting);
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
        group.warm_up_time(Duration::from_secs_f64(self.seconds / 4.0));
        group.measurement_time(Duration::from_secs_f64(self.seconds));
        let mut failed = None;
        group.bench_function(side, |bencher| {
            bencher.iter(|| {
                if let Err(error) = work() {
                    failed.get_or_insert(error);
                }
            });
        });
        group.finish();
        if let Some(error) = failed {
            return Err(error);
        }
        let path = self.folder.join(setting).join(side).join("new/estimates.json");
        let file = File::open(&path).with_context(|| format!("{}: criterion wrote none", path.display()))?;
        let estimates: Estimates = serde_json::from_reader(file)
            .with_context(|| format!("{}: not criterion's estimates", path.display()))?;
        let Estimate { point_estimate, confidence_interval } = estimates.median;
        let Interval { lower_bound, upper_bound } = confidence_interval;
        Ok(Time { median: point_estimate / 1e9, interval: (lower_bound / 1e9, upper_bound / 1e9) })
    }
}

/// Of criterion's `estimates.json`, in nanoseconds.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}
