//! Error and density of each query head in each layer, as heat maps.

use super::canvas::{Align, Canvas, draw};
use super::figure::Figure;
use super::palette::{INK, MUTED, NOTHING, viridis};
use super::scale::{Scale, every, label};
use crate::tables::file_name;
use crate::{Analysis, AttentionErrors, Error, HeadMean};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 56.0;
const GAP: f64 = 120.0;
const TOP: f64 = 66.0;

/// A figure for each side that was measured, with a map for the error and one for density.
pub(super) fn heads(analysis: &Analysis<'_>) -> Result<Vec<Figure>, Error> {
    let measured = analysis.labels.iter().zip(&analysis.sides);
    let measured = measured.filter_map(|(label, side)| Some((label, side.attention_errors.as_ref()?)));
    measured.map(|(label, errors)| figure(label, errors)).collect()
}

fn figure(label: &str, errors: &AttentionErrors) -> Result<Figure, Error> {
    let layers = errors.layers.len();
    let heads = errors.layers.first().map_or(0, Vec::len);
    let wide = (WIDTH - LEFT - 2.0 * GAP) / 2.0;
    let cell = (wide / heads as f64, (640.0 / layers as f64).clamp(6.0, 18.0));
    let size = (WIDTH as u32, (TOP + cell.1 * layers as f64 + 56.0) as u32);
    let name = format!("attention_error_heads_{}", file_name(label));
    let title = format!("{label}: error and density of each head");
    draw(&name, &title, description(errors), size, |canvas| {
        let second = LEFT + wide + GAP;
        let map = |title, left, read| Map { title, left, cell, layers: &errors.layers, read };
        map("error against dense attention", LEFT, |head| head.output_error).draw(canvas);
        map("density", second, |head| Some(head.density)).draw(canvas);
    })
}

fn description(errors: &AttentionErrors) -> String {
    let mut all = Vec::new();
    for (layer, heads) in errors.layers.iter().enumerate() {
        let found = heads
            .iter()
            .enumerate()
            .filter_map(|(head, mean)| Some((layer, head, mean.as_ref()?.output_error?)));
        all.extend(found);
    }
    let ends = all
        .iter()
        .max_by(|one, two| one.2.total_cmp(&two.2))
        .zip(all.iter().min_by(|one, two| one.2.total_cmp(&two.2)));
    let ends = ends.map(|(most, least)| {
        format!(
            "The largest mean error is {:.3}, of head {} in layer {}; the smallest {:.3}, of head {} in layer {}.",
            most.2, most.1, most.0, least.2, least.1, least.0
        )
    });
    format!(
        "Two maps with a row for each layer and a column for each query head: bright is a large error, and a high density. \
         {} All figures are in attention_heads.csv.",
        ends.unwrap_or_default()
    )
}

struct Map<'a> {
    title: &'a str,
    left: f64,
    cell: (f64, f64),
    layers: &'a [Vec<Option<HeadMean>>],
    read: fn(&HeadMean) -> Option<f64>,
}

impl Map<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (wide, high) = self.cell;
        let value = |head: &Option<HeadMean>| head.as_ref().and_then(self.read);
        let most = self.layers.iter().flatten().filter_map(value).fold(0.0, f64::max);
        let scale = Scale::from_zero(most);
        canvas.text((self.left, TOP - 20.0), self.title, 12.0, INK, Align::Left);
        for (layer, heads) in self.layers.iter().enumerate() {
            let y = TOP + high * layer as f64;
            for (head, mean) in heads.iter().enumerate() {
                let x = self.left + wide * head as f64;
                let colour = value(mean).map_or(NOTHING.rgb(), |value| viridis(scale.at(value)));
                canvas.rectangle((x, y), (x + wide, y + high), colour);
            }
            if layer % every(self.layers.len(), 16) == 0 {
                canvas.text((self.left - 6.0, y + high / 2.0), &layer.to_string(), 10.0, MUTED, Align::Right);
            }
        }
        let bottom = TOP + high * self.layers.len() as f64;
        let heads = self.layers.first().map_or(0, Vec::len);
        for head in (0..heads).step_by(every(heads, 16)) {
            let x = self.left + wide * (head as f64 + 0.5);
            canvas.text((x, bottom + 12.0), &head.to_string(), 10.0, MUTED, Align::Middle);
        }
        let right = self.left + wide * heads as f64;
        canvas.text((f64::midpoint(self.left, right), bottom + 32.0), "query head", 12.0, INK, Align::Middle);
        canvas.text((self.left - 6.0, TOP - 6.0), "layer", 10.0, MUTED, Align::Right);
        // What the colours mean.
        let (from, to) = (right + 14.0, right + 28.0);
        let parts = 64;
        for part in 0..parts {
            let share = |part: usize| part as f64 / f64::from(parts as u32);
            let y = |share: f64| bottom - (bottom - TOP) * share;
            canvas.rectangle((from, y(share(part + 1))), (to, y(share(part))), viridis(share(part)));
        }
        for tick in scale.ticks() {
            let y = bottom - (bottom - TOP) * scale.at(tick);
            canvas.line(&[(to, y), (to + 4.0, y)], INK, 1);
            canvas.text((to + 8.0, y), &label(tick), 10.0, MUTED, Align::Left);
        }
    }
}
