//! Scores by the buckets of a benchmark that has some, such as those of the context's length; in a map, by its tasks.

use sah_bench_core::Layout;

use super::figure::Figure;
use super::lines::{Across, Line, LinePoint, Lines};
use super::scale::Scale;
use crate::{Analysis, Error, Scores};

/// A line for each side over the buckets. `None` where no task has buckets.
pub(super) fn buckets(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let names = analysis.margins();
    if names.is_empty() {
        return Ok(None);
    }
    let line = |(label, scores): (&String, &Scores)| {
        let point = |(at, name): (usize, &&str)| {
            let estimate = scores.margins.get(*name)?;
            let interval = estimate.interval.map(|ends| (ends.low, ends.high));
            Some(LinePoint { x: at as f64, y: estimate.value, interval })
        };
        let points = names.iter().enumerate().filter_map(point).collect();
        Line { name: label.clone(), points, dashed: Vec::new() }
    };
    let threshold = match analysis.units.layout {
        Layout::Across { threshold } => threshold,
        Layout::List | Layout::Map { .. } => None,
    };
    let range = analysis.units.score;
    let highest = analysis.scores.iter().flat_map(|scores| scores.margins.values());
    let highest = highest.map(|estimate| estimate.interval.map_or(estimate.value, |ends| ends.high));
    let highest = highest.chain(threshold).fold(range.top() / 100.0, f64::max);
    let (word, axis) = analysis.margin_names();
    let title = match &analysis.grid {
        None => format!("Mean score of the tasks in each {word} bucket"),
        Some(grid) => format!("Mean score over the {}s against {word}", grid.rows.word),
    };
    let dashed =
        threshold.map_or_else(String::new, |threshold| format!(" The dashed line is at {threshold}."));
    let lines = Lines {
        name: "buckets",
        title: &title,
        description: format!(
            "A line for each attention over {}, with 95 % confidence intervals.{dashed} All figures are in the table of means by {word}.",
            names.join(", "),
        ),
        across: Across::Names(names.iter().map(|&name| name.to_owned()).collect()),
        up: Scale::from_zero(highest),
        axes: (axis, &format!("score ({})", range.text())),
        series: analysis.labels.iter().zip(&analysis.scores).map(line).collect(),
        is_joined: true,
        threshold,
    };
    lines.draw().map(Some)
}
