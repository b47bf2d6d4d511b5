//! Rows of estimates: a mark for each side, its interval as a line.

use super::canvas::{Align, Canvas, Fill, Mark, draw, legend_height};
use super::figure::Figure;
use super::palette::{BAND, Colour, GRID, INK, MUTED, SERIES};
use super::scale::{Scale, label};
use crate::Error;
use crate::statistics::{Estimate, Interval};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 870.0;
const TOP: f64 = 44.0;
const LINE: f64 = 12.0;

/// One row of the figure.
pub(super) struct DotRow {
    pub(super) name: String,
    /// For each series, what is shown and how.
    pub(super) dots: Vec<Option<(Estimate, Fill)>>,
}

/// A figure of rows.
pub(super) struct Dots<'a> {
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    pub(super) description: String,
    pub(super) axis: &'a str,
    /// Names of the series.
    pub(super) series: Vec<String>,
    pub(super) rows: Vec<DotRow>,
    /// The axis; what is beyond it is cut.
    pub(super) scale: Scale,
    /// Whether 0 is marked.
    pub(super) has_zero: bool,
}

/// The colour of the series of this number.
pub(super) fn series_colour(number: usize) -> Colour {
    SERIES[number % SERIES.len()]
}

impl Dots<'_> {
    pub(super) fn draw(self) -> Result<Figure, Error> {
        let names: Vec<(String, Colour, Mark)> = self
            .series
            .iter()
            .enumerate()
            .map(|(number, name)| (name.clone(), series_colour(number), Mark::of(number)))
            .collect();
        let legend = legend_height(self.series.iter().map(String::as_str), WIDTH - 32.0);
        let row_height = 10.0 + LINE * self.series.len() as f64;
        let top = TOP + legend;
        let bottom = top + row_height * self.rows.len() as f64;
        let size = (WIDTH as u32, (bottom + 46.0) as u32);
        let x = |value: f64| LEFT + (RIGHT - LEFT) * self.scale.at(value);
        draw(self.name, self.title, self.description, size, |canvas: &mut Canvas<'_>| {
            canvas.legend((16.0, TOP), WIDTH - 32.0, &names);
            for (at, row) in self.rows.iter().enumerate() {
                let y = top + row_height * at as f64;
                if at % 2 == 0 {
                    canvas.rectangle((8.0, y), (RIGHT, y + row_height), BAND.rgb());
                }
                canvas.text((LEFT - 12.0, y + row_height / 2.0), &row.name, 12.0, INK, Align::Right);
            }
            for tick in self.scale.ticks() {
                canvas.line(&[(x(tick), top), (x(tick), bottom)], GRID, 1);
                canvas.text((x(tick), bottom + 12.0), &label(tick), 11.0, MUTED, Align::Middle);
            }
            if self.has_zero {
                canvas.line(&[(x(0.0), top), (x(0.0), bottom)], INK, 1);
            }
            canvas.text((f64::midpoint(LEFT, RIGHT), bottom + 31.0), self.axis, 12.0, INK, Align::Middle);
            for (at, row) in self.rows.iter().enumerate() {
                for (number, dot) in row.dots.iter().enumerate() {
                    let Some((estimate, fill)) = dot else { continue };
                    let y = top + row_height * at as f64 + 5.0 + LINE * (number as f64 + 0.5);
                    let colour = series_colour(number);
                    if let Some(Interval { low, high }) = estimate.interval {
                        canvas.line(&[(x(low), y), (x(high), y)], colour, 2);
                        for end in [low, high] {
                            canvas.line(&[(x(end), y - 3.0), (x(end), y + 3.0)], colour, 2);
                        }
                    }
                    canvas.mark((x(estimate.value), y), Mark::of(number), colour, *fill);
                }
            }
        })
    }
}
