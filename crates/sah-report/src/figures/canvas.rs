//! What figures are drawn with: lines, marks and text on plotters' drawing area.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figure::Figure;
use super::palette::{Colour, INK, PAPER};
use crate::html::escaped;
use crate::{Error, visible};

pub(super) type Point = (f64, f64);

/// Where text stands to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

/// Marks of points, one for each series in turn: colour is never all that tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
}

impl Mark {
    /// That of the series of this number.
    pub(super) fn of(number: usize) -> Self {
        [Self::Circle, Self::Square, Self::Triangle, Self::Diamond][number % 4]
    }
}

/// Whether a mark is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    Full,
    Hollow,
}

/// A figure being drawn. The first error is kept and ends the figure.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    problem: Option<String>,
    /// What plotters has no element for: places that say something under the mouse.
    hints: Vec<String>,
}

/// Draws a figure of this size.
pub(super) fn draw(
    name: &str,
    title: &str,
    description: String,
    size: (u32, u32),
    draw: impl FnOnce(&mut Canvas<'_>),
) -> Result<Figure, Error> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let mut canvas = Canvas { area, problem: None, hints: Vec::new() };
    let filled = canvas.area.fill(&PAPER.rgb()).map_err(|error| error.to_string());
    canvas.note(filled);
    canvas.text((16.0, 22.0), title, 15.0, INK, Align::Left);
    draw(&mut canvas);
    let presented = canvas.area.present().map_err(|error| error.to_string());
    canvas.note(presented);
    let (problem, hints) = (canvas.problem.take(), std::mem::take(&mut canvas.hints).concat());
    drop(canvas);
    match problem {
        Some(problem) => Err(Error::Figure { figure: name.to_owned(), problem }),
        None => Ok(Figure::new(name, title, description, size, &svg, &hints)),
    }
}

fn pixel((x, y): Point) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

impl Canvas<'_> {
    fn note(&mut self, drawn: Result<(), String>) {
        if let Err(problem) = drawn {
            self.problem.get_or_insert(problem);
        }
    }

    fn element<E>(&mut self, element: &E)
    where
        for<'b> &'b E: plotters::element::PointCollection<'b, (i32, i32)>,
        E: for<'b> plotters::element::Drawable<SVGBackend<'b>>,
    {
        let drawn = self.area.draw(element).map_err(|error| error.to_string());
        self.note(drawn);
    }

    pub(super) fn line(&mut self, points: &[Point], colour: Colour, width: u32) {
        let points: Vec<(i32, i32)> = points.iter().map(|point| pixel(*point)).collect();
        if points.iter().all(|point| *point == points[0]) {
            // A line without length is none.
            return;
        }
        self.element(&PathElement::new(points, colour.rgb().stroke_width(width)));
    }

    pub(super) fn dashes(&mut self, from: Point, to: Point, colour: Colour) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let at = |distance: f64| {
            let share = (distance / length).min(1.0);
            (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
        };
        let mut distance = 0.0;
        while distance < length {
            self.line(&[at(distance), at(distance + 5.0)], colour, 1);
            distance += 9.0;
        }
    }

    pub(super) fn rectangle(&mut self, from: Point, to: Point, colour: RGBColor) {
        self.element(&Rectangle::new([pixel(from), pixel(to)], colour.filled()));
    }

    /// Shows `text` where the mouse rests on a rectangle.
    pub(super) fn hint(&mut self, from: Point, to: Point, text: &str) {
        let ((x, y), (right, bottom)) = (pixel(from), pixel(to));
        let (width, height, text) = (right - x, bottom - y, escaped(text));
        self.hints.push(format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" pointer-events=\"all\">\
             <title>{text}</title></rect>\n"
        ));
    }

    /// Text whose middle line is at `at`.
    pub(super) fn text(&mut self, at: Point, text: &str, height: f64, colour: Colour, align: Align) {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        // plotters writes the size divided by 1.24.
        let colour = colour.rgb();
        let style = TextStyle::from(("sans-serif", height * 1.24).into_font())
            .color(&colour)
            .pos(Pos::new(horizontal, VPos::Center));
        self.element(&Text::new(visible(text).into_owned(), pixel(at), style));
    }

    pub(super) fn mark(&mut self, at: Point, mark: Mark, colour: Colour, fill: Fill) {
        let (x, y) = at;
        let corners: Vec<Point> = match mark {
            Mark::Circle => {
                self.element(&Circle::new(pixel(at), 5, colour.rgb().filled()));
                if fill == Fill::Hollow {
                    self.element(&Circle::new(pixel(at), 3, PAPER.rgb().filled()));
                }
                return;
            }
            Mark::Square => {
                vec![(x - 4.0, y - 4.0), (x + 4.0, y - 4.0), (x + 4.0, y + 4.0), (x - 4.0, y + 4.0)]
            }
            Mark::Triangle => vec![(x, y - 6.0), (x + 6.0, y + 5.0), (x - 6.0, y + 5.0)],
            Mark::Diamond => vec![(x, y - 6.0), (x + 6.0, y), (x, y + 6.0), (x - 6.0, y)],
        };
        let polygon = |shrink: f64| -> Vec<(i32, i32)> {
            corners.iter().map(|(cx, cy)| pixel((x + (cx - x) * shrink, y + (cy - y) * shrink))).collect()
        };
        self.element(&Polygon::new(polygon(1.0), colour.rgb().filled()));
        if fill == Fill::Hollow {
            self.element(&Polygon::new(polygon(0.5), PAPER.rgb().filled()));
        }
    }

    /// Marks and names in a line from `at` to the right, in as many lines as `width` needs; gives the height they take.
    pub(super) fn legend(&mut self, at: Point, width: f64, names: &[(String, Colour, Mark)]) -> f64 {
        let (mut x, mut y) = at;
        for (name, colour, mark) in names {
            let wide = 34.0 + 6.6 * name.chars().count() as f64;
            if x > at.0 && x + wide > at.0 + width {
                (x, y) = (at.0, y + 20.0);
            }
            self.mark((x + 6.0, y), *mark, *colour, Fill::Full);
            self.text((x + 17.0, y), name, 12.0, INK, Align::Left);
            x += wide;
        }
        y - at.1 + 20.0
    }
}

/// Lines that a legend of these names takes in `width`.
pub(super) fn legend_height<'a>(names: impl IntoIterator<Item = &'a str>, width: f64) -> f64 {
    let (mut x, mut lines) = (0.0, 1.0);
    for name in names {
        let wide = 34.0 + 6.6 * name.chars().count() as f64;
        if x > 0.0 && x + wide > width {
            (x, lines) = (0.0, lines + 1.0);
        }
        x += wide;
    }
    20.0 * lines
}
