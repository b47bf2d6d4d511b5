//! The score of each task on each side, and what changes.

use super::canvas::Fill;
use super::dots::{DotRow, Dots};
use super::figure::Figure;
use super::scale::Scale;
use crate::statistics::{Estimate, Verdict};
use crate::{Analysis, Comparison, Error, Group, Scores};

/// What a row of these figures is of.
#[derive(Clone, Copy)]
enum Of<'a> {
    Group(&'a Group),
    /// A column of a grid.
    Mean(&'a str),
    Overall,
}

impl<'a> Of<'a> {
    /// Each task and bucket, or where scores are a grid the mean of each of its columns: its cells are maps. Then the single figure.
    fn all(analysis: &'a Analysis<'_>) -> Vec<Self> {
        let mut all: Vec<Self> = match &analysis.grid {
            None => analysis.groups.iter().map(Self::Group).collect(),
            Some(grid) => grid.columns.names.iter().map(|name| Self::Mean(name)).collect(),
        };
        all.extend(analysis.has_overall().then_some(Self::Overall));
        all
    }

    fn name(self, analysis: &Analysis<'_>) -> String {
        match self {
            Self::Group(group) => group.to_string(),
            Self::Mean(name) => format!("{} {name}", analysis.margin_names().0),
            Self::Overall => "overall".to_owned(),
        }
    }

    fn score(self, scores: &Scores) -> Option<Estimate> {
        match self {
            Self::Group(group) => scores.groups.get(group).copied(),
            Self::Mean(name) => scores.margins.get(name).copied(),
            Self::Overall => scores.overall,
        }
    }

    fn difference(self, comparison: &Comparison) -> Option<Estimate> {
        let difference = match self {
            Self::Group(group) => {
                comparison.groups.iter().find(|(other, _)| other == group).map(|(_, found)| found)
            }
            Self::Mean(name) => comparison.margins.get(name),
            Self::Overall => comparison.overall.as_ref(),
        };
        difference.map(|difference| difference.estimate)
    }
}

/// A row for each task and bucket, or column of a grid; a mark with its interval for each side.
pub(super) fn scores(analysis: &Analysis<'_>) -> Result<Figure, Error> {
    let row = |of: Of<'_>| {
        let dots = analysis.scores.iter().map(|scores| Some((of.score(scores)?, Fill::Full)));
        DotRow { name: of.name(analysis), dots: dots.collect() }
    };
    let rows: Vec<DotRow> = Of::all(analysis).into_iter().map(row).collect();
    let (range, digits) = (analysis.units.score, analysis.units.score.digits());
    let highest = rows.iter().flat_map(|row| &row.dots).flatten();
    let highest = highest.map(|(estimate, _)| estimate.interval.map_or(estimate.value, |ends| ends.high));
    let highest = highest.fold(range.top() / 100.0, f64::max);
    let overall = analysis
        .labels
        .iter()
        .zip(&analysis.scores)
        .filter_map(|(label, scores)| Some(format!("{label} {:.digits$}", scores.overall?.value)));
    let overall = overall.collect::<Vec<_>>().join(", ");
    let overall = if overall.is_empty() { overall } else { format!("Overall: {overall}. ") };
    let of = if analysis.grid.is_some() { analysis.margin_names().0 } else { "task" };
    let title =
        if analysis.grid.is_some() { format!("Mean score by {of}") } else { format!("Score of each {of}") };
    let description = format!(
        "A mark for each {of} and attention, with its 95 % confidence interval as a line. {overall}All figures are in the table of \
         scores."
    );
    let dots = Dots {
        name: "scores",
        title: &format!("{title}, with 95 % confidence intervals"),
        description,
        axis: &format!("score ({})", range.text()),
        series: analysis.labels.clone(),
        rows,
        scale: Scale::from_zero(highest),
        has_zero: false,
    };
    dots.draw()
}

/// The same rows, a mark for each comparison: full where the difference is beyond noise. `None` where there is one side only.
pub(super) fn differences(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let comparisons = &analysis.comparisons;
    if comparisons.is_empty() {
        return Ok(None);
    }
    let is_beyond = |estimate: &Estimate| estimate.verdict() == Verdict::BeyondNoise;
    let dot = |estimate: Estimate| (estimate, if is_beyond(&estimate) { Fill::Full } else { Fill::Hollow });
    let all = Of::all(analysis);
    let row = |of: &Of<'_>| DotRow {
        name: of.name(analysis),
        dots: comparisons.iter().map(|comparison| of.difference(comparison).map(dot)).collect(),
    };
    let rows: Vec<DotRow> = all.iter().map(row).collect();
    let beyond = |comparison: &Comparison| {
        let of_tasks = all.iter().filter(|of| !matches!(of, Of::Overall));
        let estimates: Vec<Estimate> = of_tasks.filter_map(|of| of.difference(comparison)).collect();
        let count = estimates.iter().filter(|estimate| is_beyond(estimate)).count();
        format!("{}: {count} of {} beyond noise", analysis.name_of(comparison), estimates.len())
    };
    let of = if analysis.grid.is_some() { analysis.margin_names().0 } else { "task" };
    let dots = Dots {
        name: "differences",
        title: "Difference of scores, with 95 % confidence intervals; full marks are beyond noise",
        description: format!(
            "A mark for each {of}, with the 95 % confidence interval of the difference as a line. {}. All figures are in \
             the tables of differences.",
            comparisons.iter().map(beyond).collect::<Vec<_>>().join("; ")
        ),
        axis: "difference of scores",
        series: comparisons.iter().map(|comparison| analysis.name_of(comparison)).collect(),
        scale: around_zero(&rows, analysis.units.score.top()),
        rows,
        has_zero: true,
    };
    dots.draw().map(Some)
}

/// From the lowest end of an interval to the highest, with 0 in it.
fn around_zero(rows: &[DotRow], top: f64) -> Scale {
    let estimates = || rows.iter().flat_map(|row| &row.dots).flatten().map(|(estimate, _)| estimate);
    let ends = |read: fn(&Estimate) -> f64| estimates().map(read);
    let low = ends(|estimate| estimate.interval.map_or(estimate.value, |ends| ends.low)).fold(0.0, f64::min);
    let high =
        ends(|estimate| estimate.interval.map_or(estimate.value, |ends| ends.high)).fold(0.0, f64::max);
    let margin = ((high - low) * 0.05).max(top * 0.005);
    Scale::linear(low - margin, high + margin)
}
