//! How far attention is from dense attention in each layer.

use super::figure::Figure;
use super::lines::{Across, Line, LinePoint, Lines};
use super::scale::Scale;
use crate::{Analysis, Error};

/// A line for each side that was measured: the mean error of a layer's calls, and dashed the 95th percentile.
pub(super) fn layers(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let mut lines = Vec::new();
    for (label, side) in analysis.labels.iter().zip(&analysis.sides) {
        let Some(summary) = &side.results.micro_metrics else { continue };
        let errors =
            || summary.layers.iter().filter_map(|layer| Some((layer.layer as f64, layer.output_error?)));
        let points =
            errors().map(|(x, error)| LinePoint { x, y: error.mean, interval: None }).collect::<Vec<_>>();
        let dashed = errors().map(|(layer, error)| (layer, error.p95)).collect();
        if !points.is_empty() {
            lines.push(Line { name: label.clone(), points, dashed });
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let highest = lines.iter().flat_map(|line| &line.dashed).map(|(_, error)| *error).fold(0.0, f64::max);
    let last = lines.iter().flat_map(|line| &line.points).map(|point| point.x).fold(1.0, f64::max);
    let worst = |line: &Line| {
        let worst = line.points.iter().max_by(|one, two| one.y.total_cmp(&two.y))?;
        Some(format!("{}: largest mean {:.3}, in layer {}", line.name, worst.y, worst.x))
    };
    let description = format!(
        "The mean error of each layer's attention calls, and dashed the error that 95 % of them do not exceed. {}.",
        lines.iter().filter_map(worst).collect::<Vec<_>>().join("; ")
    );
    let figure = Lines {
        name: "attention_error_layers",
        title: "Attention error by layer: mean, and dashed the 95th percentile",
        description,
        across: Across::Scale(Scale::linear(0.0, last)),
        up: Scale::from_zero(highest),
        axes: ("layer", "error against dense attention"),
        series: lines,
        is_joined: true,
        threshold: None,
    };
    figure.draw().map(Some)
}
