//! Figures as SVG: panels with logarithmic axes, a line for each side.

use std::path::Path;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;

const PANEL: (u32, u32) = (720, 400);
const LEGEND: u32 = 190;
const ROW: i32 = 20;
const COLUMNS: usize = 2;

/// One coordinate system.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One line. All coordinates are above 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    /// A limit is dashed and black.
    pub(crate) is_limit: bool,
}

type DrawingError = DrawingAreaErrorKind<std::io::Error>;

/// Writes `panels` to `path`, two beside each other.
pub(crate) fn write(path: &Path, panels: &[Panel]) -> anyhow::Result<()> {
    let columns = COLUMNS.min(panels.len()).max(1);
    let rows = panels.len().div_ceil(columns).max(1);
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    let root = SVGBackend::new(path, size).into_drawing_area();
    let draw = || -> Result<(), DrawingError> {
        root.fill(&WHITE)?;
        for (area, panel) in root.split_evenly((rows, columns)).iter().zip(panels) {
            draw_panel(area, panel)?;
        }
        root.present()
    };
    draw().map_err(|error| anyhow!("{}: {error}", path.display()))
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, Shift>, panel: &Panel) -> Result<(), DrawingError> {
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let range = |value: fn(&(f64, f64)) -> f64| {
        let values = || points().map(value);
        (values().fold(f64::MAX, f64::min), values().fold(f64::MIN_POSITIVE, f64::max))
    };
    let ((first, last), (low, high)) = (range(|point| point.0), range(|point| point.1));
    let (area, legend) = area.split_horizontally(PANEL.0 - LEGEND);
    let mut chart = ChartBuilder::on(&area)
        .caption(&panel.title, ("sans-serif", 15))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(
            (first * 0.9..last * 1.1).log_scale().base(2.0),
            (low * 0.7..high * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc(panel.x)
        .y_desc(panel.y)
        .x_label_formatter(&|count| thousands(*count))
        .light_line_style(WHITE)
        .draw()?;
    let mut colour = 0;
    for (at, line) in panel.lines.iter().enumerate() {
        let y = 44 + ROW * at as i32;
        let (style, dashes) = if line.is_limit {
            let series = DashedLineSeries::new(line.points.iter().copied(), 5, 4, BLACK.stroke_width(1));
            chart.draw_series(series)?;
            (BLACK.stroke_width(1), "- - ")
        } else {
            let style = Palette99::pick(colour).stroke_width(2);
            colour += 1;
            chart.draw_series(LineSeries::new(line.points.iter().copied(), style).point_size(3))?;
            (style, "")
        };
        legend.draw(&PathElement::new([(4, y), (24, y)], style))?;
        legend.draw(&Text::new(format!("{dashes}{}", line.name), (30, y - 6), ("sans-serif", 12)))?;
    }
    Ok(())
}

/// `4k` for 4,096.
fn thousands(count: f64) -> String {
    if count < 1024.0 { format!("{count:.0}") } else { format!("{:.0}k", count / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::{Line, Panel};

    #[test]
    fn every_line_and_its_name_are_drawn() {
        let folder = std::env::temp_dir().join(format!("sah-chart-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("chart.svg");
        let line = |name: &str, is_limit| Line {
            name: name.to_owned(),
            points: vec![(1024.0, 2.0), (4096.0, 9.0)],
            is_limit,
        };
        let panel = Panel {
            title: "Prefill".to_owned(),
            x: "tokens",
            y: "seconds",
            lines: vec![line("dense", false), line("limit", true)],
        };
        super::write(&path, &[panel]).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        for text in ["Prefill", "dense", "- - limit", "4k", "seconds"] {
            assert!(svg.contains(text), "no {text:?} in {svg}");
        }
        assert!(svg.matches("<polyline").count() > 4, "no dashes: {svg}");
    }
}
