//! Time against the number of keys, a panel for each table.

use std::path::Path;

use anyhow::anyhow;
use plotters::prelude::*;

use super::report::{Length, Line, Report, Table};

const PANEL: (u32, u32) = (560, 420);
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

fn panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    table: &Table,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let lines = || table.lengths.iter().flat_map(|length| &length.sides);
    let milliseconds = || lines().map(|line| line.seconds * 1e3);
    let (low, high) = (milliseconds().fold(f64::MAX, f64::min), milliseconds().fold(0.0, f64::max));
    let keys = || table.lengths.iter().map(|length| length.keys as f64);
    let (first, last) = (keys().fold(f64::MAX, f64::min), keys().fold(0.0, f64::max));
    let mut chart = ChartBuilder::on(area)
        .caption(table.title(), ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d((first * 0.9..last * 1.1).log_scale(), (low * 0.7..high * 1.5).log_scale())?;
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
    for (at, name) in names.iter().enumerate() {
        let color = Palette99::pick(at).to_rgba();
        let points = series(&|length| of(length, name));
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)).point_size(3))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    let bound =
        series(&|length| length.sides.iter().find(|line| line.name == "dense_attention")?.bound_seconds);
    chart
        .draw_series(DashedLineSeries::new(bound, 5, 4, BLACK.stroke_width(1)))?
        .label("memory's speed, all keys")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLACK.stroke_width(1)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 11))
        .draw()
}

/// Selections alone are in the table.
fn is_drawn(line: &Line) -> bool {
    !line.name.ends_with("selection") && !line.name.starts_with("gather")
}
