//! Means over the groups that share a bucket, or in a map a task.

use sah_bench_core::{Layout, Units};

use crate::statistics::{Bootstrap, Estimate, Stratum};
use crate::{Group, Side};

/// Which mean a group counts in: that of its bucket over all tasks, or in a map that of its task over all buckets. `None` where the
/// task has no buckets.
pub(crate) fn margin_of<'a>(units: &Units, group: &'a Group) -> Option<&'a str> {
    let bucket = group.bucket.as_deref()?;
    Some(if matches!(units.layout, Layout::Map { .. }) { &group.task } else { bucket })
}

/// The mean over `groups` of a side, each counting the same: of the benchmark's figures, with the interval of the mean of their rows.
pub(crate) fn mean_over(side: &Side, groups: &[(&Group, f64)], bootstrap: &Bootstrap) -> Option<Estimate> {
    let weight = 1.0 / groups.len() as f64;
    // Samples are drawn with all their answers: these are no independent rows.
    let values = |group: &Group| side.scores_of(group).into_values().collect();
    let strata: Vec<Stratum> =
        groups.iter().map(|(group, _)| Stratum { weight, values: values(group) }).collect();
    let rows = strata.iter().map(|stratum| stratum.values.len()).sum();
    let estimate = bootstrap.estimate(&strata, rows)?;
    // An interval of the mean says nothing of a figure that is none.
    let are_means = groups.iter().all(|(group, _)| side.is_mean(group));
    let value = groups.iter().map(|(_, figure)| figure * weight).sum();
    Some(Estimate { value, interval: estimate.interval.filter(|_| are_means), ..estimate })
}
