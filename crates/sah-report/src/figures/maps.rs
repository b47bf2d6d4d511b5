//! Figures of a grid as heat maps, side by side.

use sah_bench_core::{Grid, Scale as Range, Units};

use super::canvas::{Align, Canvas, draw};
use super::figure::Figure;
use super::palette::{INK, MUTED, NOTHING, ON_BRIGHT, ON_DARK, is_bright, viridis};
use super::scale::{every, label};
use crate::{Analysis, Error, Group};

pub(super) const WIDTH: f64 = 900.0;
const MARGIN: f64 = 16.0;
/// Below the title: the legend.
const LEGEND: f64 = 44.0;
const TOP: f64 = 74.0;
const GAP: f64 = 22.0;
/// Over the cells of a map: its name.
const HEAD: f64 = 20.0;
/// Below them: the names of columns and their axis.
const FOOT: f64 = 44.0;
/// Of a cell.
const WIDEST: f64 = 76.0;
/// Of a cell that has its figure written in it.
pub(super) const WRITTEN: (f64, f64) = (30.0, 12.0);
/// Of a character of a label.
const LETTER: f64 = 6.2;

/// A map for each side, all with the colours of one scale.
pub(super) struct Maps<'a> {
    pub(super) name: &'a str,
    pub(super) title: String,
    pub(super) grid: &'a Grid,
    pub(super) range: Range,
    /// The figure that is brightest.
    pub(super) top: f64,
    /// How wide a cell is at least, and how high. Figures that have no room in it are shown where the mouse rests on it.
    pub(super) cell: (f64, f64),
    /// Of each side, the figure of a task and a bucket.
    pub(super) labels: &'a [String],
    pub(super) value: &'a dyn Fn(usize, &str, &str) -> Option<f64>,
}

/// Of cells that have their figures written in them, however wide a map becomes.
fn written(grid: &Grid) -> (f64, f64) {
    ((LETTER * longest(&grid.columns.names) + 8.0).max(42.0), 24.0)
}

fn longest(names: &[String]) -> f64 {
    names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64
}

/// The scores, where they are a grid, and the further figures of the benchmark that are maps.
pub(super) fn maps(analysis: &Analysis<'_>) -> Result<Vec<Figure>, Error> {
    let mut figures = Vec::new();
    if let Some(grid) = &analysis.grid {
        let value = |side: usize, task: &str, bucket: &str| {
            let group = Group { task: task.to_owned(), bucket: Some(bucket.to_owned()) };
            Some(analysis.scores[side].groups.get(&group)?.value)
        };
        let (range, labels) = (analysis.units.score, &analysis.labels);
        let title = format!("Score by {} and {}, from {}", grid.rows.word, grid.columns.word, range.text());
        let (top, cell) = (range.top(), written(grid));
        figures.push(Maps { name: "maps", title, grid, range, top, cell, labels, value: &value }.draw()?);
    }
    for further in analysis.further().iter().filter(|further| further.is_map()) {
        let units = Units { layout: further.table.layout.clone(), ..analysis.units.clone() };
        let lines = further.lines();
        let cells = lines.iter().filter_map(|line| Some((line.name.as_str(), line.part.as_deref()?)));
        let Some(grid) = Grid::new(&units, cells) else { continue };
        let value =
            |side: usize, task: &str, bucket: &str| further.of_each[side]?.find(task, Some(bucket))?.value;
        let name = format!("maps_{}", crate::tables::file_name(&further.table.name));
        let (range, labels) = (further.table.scale, &analysis.labels);
        let title = format!("{}, from {}", further.table.title, range.text());
        let (grid, top, cell) = (&grid, range.top(), written(&grid));
        figures.push(Maps { name: &name, title, grid, range, top, cell, labels, value: &value }.draw()?);
    }
    Ok(figures)
}

impl Maps<'_> {
    pub(super) fn draw(&self) -> Result<Figure, Error> {
        let (rows, columns) = (&self.grid.rows.names, &self.grid.columns.names);
        let left = MARGIN + LETTER * longest(rows).max(self.grid.rows.word.chars().count() as f64) + 10.0;
        let room = WIDTH - left - MARGIN + GAP;
        let label = longest(self.labels) * LETTER + 8.0;
        // As many side by side as there is room for, in lines of the same number, and then as wide as they can be.
        let (least, row_height) = self.cell;
        let map = |cell: f64| (cell * columns.len() as f64).max(label);
        let most = ((room / (map(least) + GAP)) as usize).clamp(1, self.labels.len());
        let lines = self.labels.len().div_ceil(most);
        let beside = self.labels.len().div_ceil(lines);
        let wide = ((room / beside as f64 - GAP) / columns.len() as f64).clamp(least, WIDEST);
        let map = map(wide);
        let high = HEAD + row_height * rows.len() as f64 + FOOT;
        // One map may be wider than a page.
        let width = WIDTH.max(left + map + MARGIN);
        let rows_named = every(rows.len(), (row_height * rows.len() as f64 / 11.0) as usize);
        let size = (width as u32, (TOP + high * lines as f64) as u32);
        draw(self.name, &self.title, self.description(), size, |canvas| {
            self.legend(canvas);
            for (side, label) in self.labels.iter().enumerate() {
                let (column, line) = (side % beside, side / beside);
                let x = left + (map + GAP) * column as f64;
                let y = TOP + high * line as f64;
                canvas.text((x, y + 8.0), label, 12.0, INK, Align::Left);
                self.map(canvas, side, (x, y + HEAD), wide);
                let bottom = y + HEAD + row_height * rows.len() as f64;
                if column == 0 {
                    canvas.text((left - 8.0, y + 8.0), &self.grid.rows.word, 11.0, MUTED, Align::Right);
                    for (row, name) in rows.iter().enumerate().step_by(rows_named) {
                        let at = (left - 8.0, y + HEAD + row_height * (row as f64 + 0.5));
                        canvas.text(at, name, 11.0, INK, Align::Right);
                    }
                    canvas.text((left, bottom + 28.0), &self.grid.columns.axis, 11.0, MUTED, Align::Left);
                }
            }
        })
    }

    fn map(&self, canvas: &mut Canvas<'_>, side: usize, (left, top): (f64, f64), wide: f64) {
        let (rows, columns, high) = (&self.grid.rows, &self.grid.columns, self.cell.1);
        let is_written = wide >= WRITTEN.0 && high >= WRITTEN.1;
        // Cells without room have none for a line between them either.
        let line = if is_written { 1.0 } else { 0.0 };
        let count = columns.names.len();
        let named = every(count, (wide * count as f64 / (LETTER * longest(&columns.names) + 4.0)) as usize);
        for (column, of_column) in columns.names.iter().enumerate() {
            let x = left + wide * column as f64;
            for (row, of_row) in rows.names.iter().enumerate() {
                let y = top + high * row as f64;
                let (task, bucket) = self.grid.cell(of_row, of_column);
                let value = (self.value)(side, task, bucket);
                let share = value.map(|value| value / self.top);
                let colour = share.map_or(NOTHING.rgb(), viridis);
                let corner = (x + wide - line, y + high - line);
                canvas.rectangle((x, y), corner, colour);
                let text = value.map_or_else(|| "-".to_owned(), |value| self.range.in_cell(value));
                if !is_written {
                    let place = format!("{} {of_row}, {} {of_column}", rows.word, columns.word);
                    canvas.hint((x, y), corner, &format!("{place}: {text}"));
                    continue;
                }
                let middle = (x + (wide - line) / 2.0, y + high / 2.0);
                let ink = match share {
                    None => MUTED,
                    Some(share) if is_bright(share) => ON_BRIGHT,
                    Some(_) => ON_DARK,
                };
                canvas.text(middle, &text, (high - 3.0).min(11.0), ink, Align::Middle);
            }
            if column % named == 0 {
                let below = top + high * rows.names.len() as f64 + 11.0;
                canvas.text((x + (wide - line) / 2.0, below), of_column, 10.0, MUTED, Align::Middle);
            }
        }
    }

    /// What the colours mean.
    fn legend(&self, canvas: &mut Canvas<'_>) {
        let (wide, parts) = (220.0, 55);
        for part in 0..parts {
            let x = |part: usize| MARGIN + 4.0 + wide * part as f64 / parts as f64;
            let colour = viridis((part as f64 + 0.5) / parts as f64);
            canvas.rectangle((x(part), LEGEND - 6.0), (x(part + 1), LEGEND + 4.0), colour);
        }
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let at = (MARGIN + 4.0 + wide * share, LEGEND + 13.0);
            canvas.text(at, &label(share * self.top), 10.0, MUTED, Align::Middle);
        }
        let x = MARGIN + wide + 30.0;
        canvas.rectangle((x, LEGEND - 6.0), (x + 22.0, LEGEND + 4.0), NOTHING.rgb());
        canvas.text((x + 30.0, LEGEND - 1.0), "no figure", 10.0, MUTED, Align::Left);
    }

    fn description(&self) -> String {
        let mean = |side: usize| {
            let mut values = Vec::new();
            for row in &self.grid.rows.names {
                for column in &self.grid.columns.names {
                    let (task, bucket) = self.grid.cell(row, column);
                    values.extend((self.value)(side, task, bucket));
                }
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (!values.is_empty()).then(|| format!("{} {mean:.2}", self.labels[side]))
        };
        let means: Vec<String> = (0..self.labels.len()).filter_map(mean).collect();
        format!(
            "A map for each attention with a row for each {} and a column for each {}: dark is {}, bright is {}. Mean of the cells: \
             {}. All figures are in the tables.",
            self.grid.rows.word,
            self.grid.columns.word,
            0,
            label(self.top),
            means.join(", ")
        )
    }
}
