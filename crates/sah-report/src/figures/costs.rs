//! Time and memory, as bars.

use super::canvas::{Align, Canvas, Mark, draw};
use super::figure::Figure;
use super::palette::{Colour, INK, MUTED, SERIES};
use super::scale::{Scale, label};
use crate::tables::per_row;
use crate::{Analysis, Error};

const WIDTH: u32 = 900;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 800.0;
const BAR: f64 = 16.0;
const ROW: f64 = 24.0;
const TOP: f64 = 52.0;

/// The phases of a row's time, each with its own colour.
const PHASES: [(&str, Colour); 3] =
    [("reading the context", SERIES[5]), ("question", SERIES[4]), ("decoding", SERIES[3])];

struct Panel {
    title: &'static str,
    /// For each side the parts of its bar; none where there is no figure.
    bars: Vec<Vec<f64>>,
    digits: usize,
}

/// Three panels: seconds of a row in their parts, tokens a second, and memory.
pub(super) fn costs(analysis: &Analysis<'_>) -> Result<Figure, Error> {
    let detailed = || analysis.sides.iter().map(|side| &side.results.detailed);
    let seconds = |side: &&crate::Side| {
        let total = &side.results.detailed.total;
        [total.prefill, total.question, total.decode]
            .iter()
            .filter_map(|phase| per_row(side, phase.seconds))
            .collect()
    };
    let one = |figure: Option<f64>| figure.into_iter().collect::<Vec<f64>>();
    let speed = detailed().map(|run| one(run.total.decode.tokens_per_second)).collect();
    let memory = |bytes: Option<u64>| one(bytes.map(|bytes| bytes as f64 / 1e6));
    let memory = detailed().map(|run| memory(run.measures.peak_memory_bytes)).collect();
    let panels = [
        Panel { title: "seconds for a row", bars: analysis.sides.iter().map(seconds).collect(), digits: 2 },
        Panel { title: "decoded tokens a second", bars: speed, digits: 1 },
        Panel { title: "peak memory, MB", bars: memory, digits: 0 },
    ];
    let height = |panel: &Panel| 54.0 + ROW * panel.bars.len() as f64;
    let total = TOP + panels.iter().map(height).sum::<f64>() + 8.0;
    let says: Vec<String> = analysis
        .labels
        .iter()
        .zip(&panels[0].bars)
        .map(|(label, bars)| format!("{label} takes {:.2} s for a row", bars.iter().sum::<f64>()))
        .collect();
    let description = format!("{}. All figures are in the table of costs.", says.join("; "));
    draw("costs", "Time and memory", description, (WIDTH, total as u32), |canvas| {
        let names: Vec<_> =
            PHASES.iter().map(|(name, colour)| ((*name).to_owned(), *colour, Mark::Square)).collect();
        canvas.legend((LEFT, TOP - 8.0), RIGHT - LEFT, &names);
        let mut top = TOP + 8.0;
        for panel in &panels {
            panel.draw(canvas, top, &analysis.labels);
            top += height(panel);
        }
    })
}

impl Panel {
    fn draw(&self, canvas: &mut Canvas<'_>, top: f64, labels: &[String]) {
        let sums = || self.bars.iter().map(|parts| parts.iter().sum::<f64>());
        let scale = Scale::from_zero(sums().fold(f64::MIN_POSITIVE, f64::max));
        let x = |value: f64| LEFT + (RIGHT - LEFT) * scale.at(value);
        canvas.text((LEFT, top + 6.0), self.title, 12.0, INK, Align::Left);
        let bottom = top + 20.0 + ROW * self.bars.len() as f64;
        for tick in scale.ticks() {
            canvas.line(&[(x(tick), top + 18.0), (x(tick), bottom)], super::palette::GRID, 1);
            canvas.text((x(tick), bottom + 11.0), &label(tick), 10.0, MUTED, Align::Middle);
        }
        for (side, (parts, sum)) in self.bars.iter().zip(sums()).enumerate() {
            let y = top + 20.0 + ROW * side as f64 + (ROW - BAR) / 2.0;
            canvas.text((LEFT - 12.0, y + BAR / 2.0), &labels[side], 12.0, INK, Align::Right);
            let mut from = 0.0;
            for (part, value) in parts.iter().enumerate() {
                let colour = if parts.len() > 1 { PHASES[part].1 } else { SERIES[6] };
                canvas.rectangle((x(from), y), (x(from + value), y + BAR), colour.rgb());
                from += value;
            }
            let digits = self.digits;
            let figure = if parts.is_empty() { "-".to_owned() } else { format!("{sum:.digits$}") };
            canvas.text((x(sum) + 8.0, y + BAR / 2.0), &figure, 11.0, INK, Align::Left);
        }
    }
}
