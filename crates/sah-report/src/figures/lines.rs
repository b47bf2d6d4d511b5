//! Axes, and lines on them.

use super::canvas::{Align, Canvas, Fill, Mark, Point, draw, legend_height};
use super::dots::series_colour;
use super::figure::Figure;
use super::palette::{GRID, INK, MUTED};
use super::scale::{Scale, apart, label};
use crate::Error;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 870.0;
const TOP: f64 = 44.0;
/// From the highest to the lowest place on the vertical axis.
const HIGH: f64 = 270.0;
/// Marks of points that are not joined are so far apart.
const APART: f64 = 11.0;

/// The horizontal axis.
pub(super) enum Across {
    /// Figures.
    Scale(Scale),
    /// Names, evenly spaced; a point's place is the number of its name.
    Names(Vec<String>),
}

/// One point, with the line that says how far it may be off.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinePoint {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) interval: Option<(f64, f64)>,
}

/// A line, or points alone.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<LinePoint>,
    /// A second line of the same side without marks, dashed.
    pub(super) dashed: Vec<Point>,
}

/// A figure of lines.
pub(super) struct Lines<'a> {
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    pub(super) description: String,
    pub(super) across: Across,
    pub(super) up: Scale,
    pub(super) axes: (&'a str, &'a str),
    pub(super) series: Vec<Line>,
    /// Whether points are joined.
    pub(super) is_joined: bool,
    /// A figure that matters, as a dashed line.
    pub(super) threshold: Option<f64>,
}

impl Lines<'_> {
    pub(super) fn draw(self) -> Result<Figure, Error> {
        let names: Vec<_> = self
            .series
            .iter()
            .enumerate()
            .map(|(number, line)| (line.name.clone(), series_colour(number), Mark::of(number)))
            .collect();
        let wide = WIDTH - 32.0;
        // Room for the name of the axis above it.
        let top = TOP + 26.0 + legend_height(self.series.iter().map(|line| line.name.as_str()), wide);
        let size = (WIDTH as u32, (top + HIGH + 60.0) as u32);
        draw(self.name, self.title, self.description.clone(), size, |canvas| {
            canvas.legend((16.0, TOP), wide, &names);
            self.axes(canvas, top);
            if let Some(threshold) = self.threshold {
                let (_, y) = self.at((0.0, threshold), top);
                canvas.dashes((LEFT, y), (RIGHT, y), INK);
                canvas.text((RIGHT, y - 9.0), &label(threshold), 11.0, INK, Align::Right);
            }
            let mut places = self.places(top).into_iter();
            for (number, line) in self.series.iter().enumerate() {
                let places: Vec<Point> = places.by_ref().take(line.points.len()).collect();
                self.line(canvas, top, number, (line, &places));
            }
        })
    }

    /// Where the points of all lines are. Those that are not joined stand beside each other where they would cover each other.
    fn places(&self, top: f64) -> Vec<Point> {
        let points = self.series.iter().flat_map(|line| &line.points);
        let places: Vec<Point> = points.map(|point| self.at((point.x, point.y), top)).collect();
        if self.is_joined {
            return places;
        }
        let across: Vec<f64> = places.iter().map(|(x, _)| *x).collect();
        apart(&across, APART).into_iter().zip(places).map(|(x, (_, y))| (x, y)).collect()
    }

    fn at(&self, (x, y): Point, top: f64) -> Point {
        let share = match &self.across {
            Across::Scale(scale) => scale.at(x),
            Across::Names(names) => (x + 0.5) / names.len() as f64,
        };
        (LEFT + (RIGHT - LEFT) * share, top + HIGH * (1.0 - self.up.at(y)))
    }

    fn axes(&self, canvas: &mut Canvas<'_>, top: f64) {
        let bottom = top + HIGH;
        for tick in self.up.ticks() {
            let (_, y) = self.at((0.0, tick), top);
            canvas.line(&[(LEFT, y), (RIGHT, y)], GRID, 1);
            canvas.text((LEFT - 8.0, y), &label(tick), 11.0, MUTED, Align::Right);
        }
        let ticks: Vec<(f64, String)> = match &self.across {
            Across::Scale(scale) => scale.ticks().into_iter().map(|tick| (tick, label(tick))).collect(),
            Across::Names(names) => {
                names.iter().enumerate().map(|(at, name)| (at as f64, name.clone())).collect()
            }
        };
        for (tick, name) in ticks {
            let (x, _) = self.at((tick, 0.0), top);
            canvas.line(&[(x, bottom), (x, bottom + 4.0)], INK, 1);
            canvas.text((x, bottom + 15.0), &name, 11.0, MUTED, Align::Middle);
        }
        canvas.line(&[(LEFT, bottom), (RIGHT, bottom)], INK, 1);
        let (x, y) = self.axes;
        canvas.text((f64::midpoint(LEFT, RIGHT), bottom + 38.0), x, 12.0, INK, Align::Middle);
        // Above the axis, where it can be read without turning the head.
        canvas.text((16.0, top - 18.0), y, 12.0, INK, Align::Left);
    }

    fn line(&self, canvas: &mut Canvas<'_>, top: f64, number: usize, (line, places): (&Line, &[Point])) {
        let colour = series_colour(number);
        let dashed: Vec<Point> = line.dashed.iter().map(|point| self.at(*point, top)).collect();
        for ends in dashed.windows(2) {
            canvas.dashes(ends[0], ends[1], colour);
        }
        if self.is_joined && places.len() > 1 {
            canvas.line(places, colour, 2);
        }
        for (point, place) in line.points.iter().zip(places) {
            if let Some((low, high)) = point.interval {
                let ends = [low, high].map(|end| (place.0, self.at((point.x, end), top).1));
                canvas.line(&ends, colour, 2);
                for (x, y) in ends {
                    canvas.line(&[(x - 4.0, y), (x + 4.0, y)], colour, 2);
                }
            }
            canvas.mark(*place, Mark::of(number), colour, Fill::Full);
        }
    }
}
