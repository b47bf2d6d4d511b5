//! What a score costs: the benchmark's single figure against the keys that are read, and against the bytes that are kept.

use super::figure::Figure;
use super::lines::{Across, Line, LinePoint, Lines};
use super::scale::Scale;
use crate::{Analysis, Error, Side};

/// Against what, and what it is called.
struct Savings<'a> {
    name: &'a str,
    title: &'a str,
    axis: &'a str,
    /// Comes after the score in words: `at a density of`.
    words: &'a str,
    /// Of each side, a share.
    shares: Vec<Option<f64>>,
}

/// A point for each side. `None` where fewer than two sides have both figures.
pub(super) fn density(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let density = |side: &&Side| side.results.detailed.total.density;
    let savings = Savings {
        name: "density",
        title: "Overall score against density",
        axis: "density: share of the visible keys that attention read, logarithmic",
        words: "at a density of",
        shares: analysis.sides.iter().map(density).collect(),
    };
    savings.draw(analysis)
}

/// The same against the bytes of the KV cache. `None` where no side saves any, too.
pub(super) fn cache_bytes(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let Some(shares) = analysis.cache_shares() else { return Ok(None) };
    let savings = Savings {
        name: "cache_bytes",
        title: "Overall score against bytes of the KV cache",
        axis: "share of the bytes that the whole KV cache of a context takes, logarithmic",
        words: "with a share of the cache\u{2019}s bytes of",
        shares,
    };
    savings.draw(analysis)
}

impl Savings<'_> {
    fn draw(self, analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
        let sides = analysis.labels.iter().zip(&analysis.sides).zip(self.shares.iter().zip(&analysis.scores));
        let points: Vec<(&String, bool, LinePoint)> = sides
            .filter_map(|((label, side), (share, scores))| {
                let (share, overall) = (share.filter(|share| *share > 0.0)?, scores.overall?);
                let interval = overall.interval.map(|ends| (ends.low, ends.high));
                Some((label, side.is_dense(), LinePoint { x: share, y: overall.value, interval }))
            })
            .collect();
        if points.len() < 2 {
            return Ok(None);
        }
        let shares = || points.iter().map(|(_, _, point)| point.x);
        let across =
            Scale::logarithmic(shares().fold(f64::MAX, f64::min), shares().fold(f64::MIN_POSITIVE, f64::max));
        let (range, digits) = (analysis.units.score, analysis.units.score.digits());
        let highest = points.iter().map(|(_, _, point)| point.interval.map_or(point.y, |(_, high)| high));
        let highest = highest.fold(range.top() / 100.0, f64::max);
        let says = |(label, _, point): &(&String, bool, LinePoint)| {
            format!("{label} scores {:.digits$} {} {:.4}", point.y, self.words, point.x)
        };
        let says: Vec<String> = points.iter().map(says).collect();
        let dashed = |is_dense: bool, y: f64| {
            if is_dense { across.ends().map(|x| (x, y)).to_vec() } else { Vec::new() }
        };
        let line = |&(label, is_dense, point): &(&String, bool, LinePoint)| Line {
            name: label.clone(),
            points: vec![point],
            dashed: dashed(is_dense, point.y),
        };
        let lines = Lines {
            name: self.name,
            title: self.title,
            description: format!(
                "{}. Lines are 95 % confidence intervals; dashed is the score of dense attention over all keys.",
                says.join("; ")
            ),
            up: Scale::from_zero(highest),
            axes: (self.axis, &format!("overall score ({})", range.text())),
            series: points.iter().map(line).collect(),
            across: Across::Scale(across),
            is_joined: false,
            threshold: None,
        };
        lines.draw().map(Some)
    }
}
