//! What a score costs: the benchmark's single figure against density.

use super::figure::Figure;
use super::lines::{Across, Line, LinePoint, Lines};
use super::scale::Scale;
use crate::{Analysis, Error};

/// A point for each side. `None` where fewer than two sides have both figures.
pub(super) fn density(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let points: Vec<(String, LinePoint)> = analysis
        .labels
        .iter()
        .zip(analysis.sides.iter().zip(&analysis.scores))
        .filter_map(|(label, (side, scores))| {
            let density = side.results.detailed.total.density.filter(|density| *density > 0.0)?;
            let overall = scores.overall?;
            let interval = overall.interval.map(|ends| (ends.low, ends.high));
            Some((label.clone(), LinePoint { x: density, y: overall.value, interval }))
        })
        .collect();
    if points.len() < 2 {
        return Ok(None);
    }
    let densities = || points.iter().map(|(_, point)| point.x);
    let (range, digits) = (analysis.units.score, analysis.units.score.digits());
    let highest = points.iter().map(|(_, point)| point.interval.map_or(point.y, |(_, high)| high));
    let says: Vec<String> = points
        .iter()
        .map(|(label, point)| format!("{label} scores {:.digits$} at a density of {:.4}", point.y, point.x))
        .collect();
    let lines = Lines {
        name: "density",
        title: "Overall score against density",
        description: format!("{}. Lines are 95 % confidence intervals.", says.join("; ")),
        across: Across::Scale(Scale::logarithmic(
            densities().fold(f64::MAX, f64::min),
            densities().fold(f64::MIN_POSITIVE, f64::max),
        )),
        up: Scale::from_zero(highest.fold(range.top() / 100.0, f64::max)),
        axes: (
            "density: share of the visible keys that attention read, logarithmic",
            &format!("overall score ({})", range.text()),
        ),
        series: points
            .into_iter()
            .map(|(name, point)| Line { name, points: vec![point], dashed: Vec::new() })
            .collect(),
        is_joined: false,
        threshold: None,
    };
    lines.draw().map(Some)
}
