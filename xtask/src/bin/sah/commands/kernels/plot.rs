//! Time against the number of keys, a panel for each table.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

use super::report::{Length, Line, Report, Table};

const PANEL: (u32, u32) = (720, 400);
const LEGEND: u32 = 190;
const LINE: i32 = 20;
const COLUMNS: usize = 2;

/// Writes an SVG with logarithmic axes. The dashed line is what the memory's speed allows for all keys.
pub(super) fn write(report: &Report, path: &Path) -> anyhow::Result<()> {
    let rows = report.tables.len().div_ceil(COLUMNS);
    let columns = COLUMNS.min(report.tables.len());
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    let root = SVGBackend::new(path, size).into_drawing_area();
    let draw = || -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        root.fill(&WHITE)?;
        for (area, table) in root.split_evenly((rows, columns)).iter().zip(&report.tables) {
            panel(area, table)?;
        }
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    table: &Table,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let lines = || table.lengths.iter().flat_map(|length| &length.sides);
    let milliseconds = || lines().map(|line| line.seconds * 1e3);
    let (low, high) = (milliseconds().fold(f64::MAX, f64::min), milliseconds().fold(0.0, f64::max));
    let keys = || table.lengths.iter().map(|length| length.keys as f64);
    let (first, last) = (keys().fold(f64::MAX, f64::min), keys().fold(0.0, f64::max));
    let (area, legend) = area.split_horizontally(PANEL.0 - LEGEND);
    let mut chart = ChartBuilder::on(&area)
        .caption(table.title(), ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(
            (first * 0.9..last * 1.1).log_scale().base(2.0),
            (low * 0.7..high * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("keys")
        .y_desc("milliseconds")
        .x_label_formatter(&|keys| format!("{:.0}k", keys / 1024.0))
        .light_line_style(WHITE)
        .draw()?;
    let series = |side: &dyn Fn(&Length) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |length: &Length| Some((length.keys as f64, side(length)? * 1e3));
        table.lengths.iter().filter_map(point).collect()
    };
    let names: Vec<&str> = table.lengths.first().map_or_else(Vec::new, |length| {
        length.sides.iter().filter(|line| is_drawn(line)).map(|line| line.name.as_str()).collect()
    });
    let of = |length: &Length, name: &str| {
        length.sides.iter().find(|line| line.name == name).map(|line| line.seconds)
    };
    let label = |at: usize, name: &str, style: ShapeStyle| {
        let y = 44 + LINE * at as i32;
        legend.draw(&PathElement::new([(4, y), (24, y)], style))?;
        legend.draw(&Text::new(name.to_owned(), (30, y - 6), ("sans-serif", 12)))
    };
    for (at, name) in names.iter().enumerate() {
        let style = Palette99::pick(at).stroke_width(2);
        chart.draw_series(LineSeries::new(series(&|length| of(length, name)), style).point_size(3))?;
        label(at, name, style)?;
    }
    let dense =
        |length: &Length| length.sides.iter().find(|line| line.name == "dense_attention")?.bound_seconds;
    let bound = series(&dense);
    if bound.is_empty() {
        return Ok(());
    }
    chart.draw_series(DashedLineSeries::new(bound, 5, 4, BLACK.stroke_width(1)))?;
    label(names.len(), "- - memory's speed, all keys", BLACK.stroke_width(1))
}

/// Selections alone are in the table.
fn is_drawn(line: &Line) -> bool {
    !line.name.ends_with("selection") && !line.name.starts_with("gather")
}
