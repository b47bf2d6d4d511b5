//! Scores by the buckets of a benchmark that has some, such as those of the context's length.

use super::figure::Figure;
use super::lines::{Across, Line, LinePoint, Lines};
use super::scale::Scale;
use crate::{Analysis, Error, Scores};

/// A line for each side over the buckets. `None` where no task has buckets.
pub(super) fn buckets(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let buckets = analysis.buckets();
    if buckets.is_empty() {
        return Ok(None);
    }
    let line = |(name, scores): (&String, &Scores)| {
        let point = |(at, bucket): (usize, &&str)| {
            let estimate = scores.buckets.get(*bucket)?;
            let interval = estimate.interval.map(|ends| (ends.low, ends.high));
            Some(LinePoint { x: at as f64, y: estimate.value, interval })
        };
        let points = buckets.iter().enumerate().filter_map(point).collect();
        Line { name: name.clone(), points, dashed: Vec::new() }
    };
    let highest = analysis.scores.iter().flat_map(|scores| scores.buckets.values());
    let highest = highest.map(|estimate| estimate.interval.map_or(estimate.value, |ends| ends.high));
    let highest = highest.fold(1.0, f64::max);
    let title = format!("Mean score of the tasks in each {} bucket", analysis.units.bucket);
    let lines = Lines {
        name: "buckets",
        title: &title,
        description: format!(
            "A line for each attention over the buckets {}, with 95 % confidence intervals. All figures are in the table of \
             {} buckets.",
            buckets.join(", "),
            analysis.units.bucket
        ),
        across: Across::Names(buckets.iter().map(|&bucket| bucket.to_owned()).collect()),
        up: Scale::from_zero(highest),
        axes: (&analysis.units.bucket_axis, "score"),
        series: analysis.labels.iter().zip(&analysis.scores).map(line).collect(),
        is_joined: true,
    };
    lines.draw().map(Some)
}
