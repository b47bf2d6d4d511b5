//! What was measured of attention: for each head, and for each token.

use super::{Cell, Column, Table};
use crate::{Analysis, AttentionErrors};

/// The name of the table of kept keys.
pub(crate) const KEPT_HEADS: &str = "kept_heads";

/// A row for each query head of each layer of each side that was measured; `None` where none was.
#[must_use]
pub fn attention_heads(analysis: &Analysis<'_>) -> Option<Table> {
    let mut rows = Vec::new();
    for (label, errors) in measured(analysis) {
        for (layer, heads) in errors.layers.iter().enumerate() {
            for (head, mean) in heads.iter().enumerate() {
                let Some(mean) = mean else { continue };
                rows.push(vec![
                    Cell::text(label),
                    Cell::Number(layer as f64, 0),
                    Cell::Number(head as f64, 0),
                    Cell::Number(mean.calls as f64, 0),
                    Cell::Number(mean.density, 4),
                    Cell::number(mean.output_error, 4),
                ]);
            }
        }
    }
    let columns = ["layer", "head", "calls", "density", "error"].map(Column::number);
    (!rows.is_empty()).then(|| Table {
        name: "attention_heads".to_owned(),
        caption: "Mean density and error of the measured calls of each query head.".to_owned(),
        columns: std::iter::once(Column::text("attention")).chain(columns).collect(),
        rows,
    })
}

/// A row for the question and each run of new tokens of each side that was measured; `None` where none was.
#[must_use]
pub fn attention_steps(analysis: &Analysis<'_>) -> Option<Table> {
    let mut rows = Vec::new();
    for (label, errors) in measured(analysis) {
        for step in &errors.steps {
            let error = |read: fn(&sah_bench_core::Distribution) -> f64| {
                Cell::number(step.output_error.as_ref().map(read), 4)
            };
            rows.push(vec![
                Cell::text(label),
                Cell::text(crate::figures::step_name(step.steps)),
                Cell::Number(step.density.mean, 4),
                error(|errors| errors.mean),
                error(|errors| errors.median),
                error(|errors| errors.p95),
                error(|errors| errors.max),
            ]);
        }
    }
    let columns = ["density", "mean error", "median", "95 %", "largest"].map(Column::number);
    (!rows.is_empty()).then(|| Table {
        name: "attention_tokens".to_owned(),
        caption:
            "Density and error of the measured calls of the question and of new tokens, by their numbers."
                .to_owned(),
        columns: ["attention", "tokens"].map(Column::text).into_iter().chain(columns).collect(),
        rows,
    })
}

/// A row for each KV head of each layer of each side with a retention; `None` where there is none.
#[must_use]
pub fn kept_heads(analysis: &Analysis<'_>) -> Option<Table> {
    let mut rows = Vec::new();
    for (label, side) in analysis.labels.iter().zip(&analysis.sides) {
        for (layer, heads) in side.results.detailed.kept_by_head.iter().enumerate() {
            rows.extend(heads.iter().enumerate().map(|(head, kept)| {
                let numbers = [layer, head].map(|number| Cell::Number(number as f64, 0));
                [Cell::text(label)].into_iter().chain(numbers).chain([Cell::Number(*kept, 4)]).collect()
            }));
        }
    }
    let columns = ["layer", "KV head", "kept"].map(Column::number);
    (!rows.is_empty()).then(|| Table {
        name: KEPT_HEADS.to_owned(),
        caption: "Share of the contexts\u{2019} keys that each KV head keeps, the mean over contexts."
            .to_owned(),
        columns: std::iter::once(Column::text("attention")).chain(columns).collect(),
        rows,
    })
}

fn measured<'a>(analysis: &'a Analysis<'_>) -> impl Iterator<Item = (&'a str, &'a AttentionErrors)> {
    let sides = analysis.labels.iter().zip(&analysis.sides);
    sides.filter_map(|(label, side)| Some((label.as_str(), side.attention_errors.as_ref()?)))
}
