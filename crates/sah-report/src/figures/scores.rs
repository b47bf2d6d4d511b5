//! The score of each task on each side, and what changes.

use super::canvas::Fill;
use super::dots::{DotRow, Dots};
use super::figure::Figure;
use super::scale::Scale;
use crate::statistics::{Estimate, Verdict};
use crate::{Analysis, Comparison, Error, Group};

/// A row for each task and bucket, a mark with its interval for each side.
pub(super) fn scores(analysis: &Analysis<'_>) -> Result<Figure, Error> {
    let row = |name: String, read: &dyn Fn(usize) -> Option<Estimate>| {
        let dots = (0..analysis.sides.len()).map(|side| Some((read(side)?, Fill::Full)));
        DotRow { name, dots: dots.collect() }
    };
    let of_group =
        |group: &Group| row(group.to_string(), &|side| analysis.scores[side].groups.get(group).copied());
    let mut rows: Vec<DotRow> = analysis.groups.iter().map(of_group).collect();
    rows.push(row("overall".to_owned(), &|side| analysis.scores[side].overall));
    let highest = rows.iter().flat_map(|row| &row.dots).flatten();
    let highest = highest.map(|(estimate, _)| estimate.interval.map_or(estimate.value, |ends| ends.high));
    let highest = highest.fold(1.0, f64::max);
    let overall = analysis
        .labels
        .iter()
        .zip(&analysis.scores)
        .filter_map(|(label, scores)| Some(format!("{label} {:.2}", scores.overall?.value)));
    let description = format!(
        "A mark for each task and attention, with its 95 % confidence interval as a line. Overall: {}. All figures are in \
         the table of scores.",
        overall.collect::<Vec<_>>().join(", ")
    );
    let dots = Dots {
        name: "scores",
        title: "Score of each task, with 95 % confidence intervals",
        description,
        axis: "score",
        series: analysis.labels.clone(),
        rows,
        scale: Scale::from_zero(highest),
        has_zero: false,
    };
    dots.draw()
}

/// A row for each task and bucket, a mark for each comparison: full where the difference is beyond noise. `None` where there
/// is one side only.
pub(super) fn differences(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let comparisons = &analysis.comparisons;
    if comparisons.is_empty() {
        return Ok(None);
    }
    let dot = |estimate: Estimate| {
        let fill = if estimate.verdict() == Verdict::BeyondNoise { Fill::Full } else { Fill::Hollow };
        (estimate, fill)
    };
    let of_group = |group: &Group| {
        let find = |comparison: &Comparison| {
            let (_, difference) = comparison.groups.iter().find(|(other, _)| other == group)?;
            Some(dot(difference.estimate))
        };
        DotRow { name: group.to_string(), dots: comparisons.iter().map(find).collect() }
    };
    let mut rows: Vec<DotRow> = analysis.groups.iter().map(of_group).collect();
    let overall = comparisons.iter().map(|comparison| Some(dot(comparison.overall?.estimate)));
    rows.push(DotRow { name: "overall".to_owned(), dots: overall.collect() });
    let beyond = |comparison: &Comparison| {
        let estimates = comparison.groups.iter().map(|(_, difference)| difference.estimate);
        let count = estimates.filter(|estimate| estimate.verdict() == Verdict::BeyondNoise).count();
        format!("{}: {count} of {} beyond noise", analysis.name_of(comparison), comparison.groups.len())
    };
    let dots = Dots {
        name: "differences",
        title: "Difference of scores, with 95 % confidence intervals; full marks are beyond noise",
        description: format!(
            "A mark for each task, with the 95 % confidence interval of the difference as a line. {}. All figures are in \
             the tables of differences.",
            comparisons.iter().map(beyond).collect::<Vec<_>>().join("; ")
        ),
        axis: "difference of scores",
        series: comparisons.iter().map(|comparison| analysis.name_of(comparison)).collect(),
        scale: around_zero(&rows),
        rows,
        has_zero: true,
    };
    dots.draw().map(Some)
}

/// From the lowest end of an interval to the highest, with 0 in it.
fn around_zero(rows: &[DotRow]) -> Scale {
    let estimates = || rows.iter().flat_map(|row| &row.dots).flatten().map(|(estimate, _)| estimate);
    let ends = |read: fn(&Estimate) -> f64| estimates().map(read);
    let low = ends(|estimate| estimate.interval.map_or(estimate.value, |ends| ends.low)).fold(0.0, f64::min);
    let high =
        ends(|estimate| estimate.interval.map_or(estimate.value, |ends| ends.high)).fold(0.0, f64::max);
    let margin = ((high - low) * 0.05).max(0.5);
    Scale::linear(low - margin, high + margin)
}
