//! How far attention is from dense attention at the question and at each new token.

use super::figure::Figure;
use super::lines::{Across, Line, LinePoint, Lines};
use super::scale::Scale;
use crate::{Analysis, AttentionErrors, Error};

/// A line for each side that was measured: the mean error of the calls of a token, and dashed the 95th percentile.
pub(super) fn steps(analysis: &Analysis<'_>) -> Result<Option<Figure>, Error> {
    let measured: Vec<(&String, &AttentionErrors)> = analysis
        .labels
        .iter()
        .zip(&analysis.sides)
        .filter_map(|(label, side)| Some((label, side.attention_errors.as_ref()?)))
        .collect();
    let mut names: Vec<(usize, usize)> =
        measured.iter().flat_map(|(_, errors)| errors.steps.iter().map(|step| step.steps)).collect();
    names.sort_unstable();
    names.dedup();
    let line = |(label, errors): &(&String, &AttentionErrors)| {
        let found = |step: &crate::StepFigures| {
            let at = names.iter().position(|steps| *steps == step.steps)?;
            Some((at as f64, step.output_error?))
        };
        let errors: Vec<_> = errors.steps.iter().filter_map(found).collect();
        Line {
            name: (*label).clone(),
            points: errors
                .iter()
                .map(|(x, error)| LinePoint { x: *x, y: error.mean, interval: None })
                .collect(),
            dashed: errors.iter().map(|(x, error)| (*x, error.p95)).collect(),
        }
    };
    let lines: Vec<Line> = measured.iter().map(line).filter(|line| !line.points.is_empty()).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let highest = lines.iter().flat_map(|line| &line.dashed).map(|(_, error)| *error).fold(0.0, f64::max);
    let ends = |line: &Line| {
        let (first, last) = (line.points.first()?, line.points.last()?);
        Some(format!("{}: {:.3} at first, {:.3} at last", line.name, first.y, last.y))
    };
    let figure = Lines {
        name: "attention_error_tokens",
        title: "Attention error by token: mean, and dashed the 95th percentile",
        description: format!(
            "The mean error of the attention calls of the question and of each new token, and dashed the error that 95 % of \
             them do not exceed. {}.",
            lines.iter().filter_map(ends).collect::<Vec<_>>().join("; ")
        ),
        across: Across::Names(names.into_iter().map(name).collect()),
        up: Scale::from_zero(highest),
        axes: ("the rows of the question, then new tokens by number", "error against dense attention"),
        series: lines,
        is_joined: true,
        threshold: None,
    };
    figure.draw().map(Some)
}

pub(crate) fn name((first, last): (usize, usize)) -> String {
    match (first, last) {
        (0, _) => "question".to_owned(),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}\u{2013}{last}"),
    }
}
