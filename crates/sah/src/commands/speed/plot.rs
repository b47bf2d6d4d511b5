//! What reading and decoding cost, against the length of the context.

use std::path::Path;

use super::figures::Measure;
use super::report::Report;
use crate::chart::{self, Line, Panel};

/// Writes a panel for reading and one for decoding, a line for each side; the limit of the first side is dashed.
pub(super) fn write(report: &Report, path: &Path) -> anyhow::Result<()> {
    chart::write(path, &panels(report))
}

fn panels(report: &Report) -> Vec<Panel> {
    let all = [
        (Measure::Prefill, "Reading the context", "seconds", 1.0),
        (Measure::Decode, "Decoding a token", "milliseconds", 1e3),
    ];
    let panel = |(measure, title, y, factor): (Measure, &str, &'static str, f64)| {
        let figures = report.figures.of(measure);
        let mut lines: Vec<Line> = Vec::new();
        let mut add =
            |name: String, point: (f64, f64), is_limit| match lines.iter_mut().find(|line| line.name == name)
            {
                Some(line) => line.points.push(point),
                None => lines.push(Line { name, points: vec![point], is_limit }),
            };
        for figure in &figures {
            add(figure.side.clone(), (figure.context as f64, figure.median() * factor), false);
        }
        let first = figures.first()?;
        for figure in figures.iter().filter(|figure| figure.side == first.side) {
            let Some(limit) = figure.limit() else { continue };
            add(format!("limit of {}", first.side), (figure.context as f64, limit * factor), true);
        }
        Some(Panel { title: title.to_owned(), x: "tokens in the context", y, lines })
    };
    all.into_iter().filter_map(panel).collect()
}

#[cfg(test)]
mod tests {
    use super::panels;
    use crate::commands::speed::report::tests::report;

    #[test]
    fn every_side_has_a_line_and_the_first_a_limit() {
        let panels = panels(&report());
        let names: Vec<&str> = panels[0].lines.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, ["f32 dense", "transformers", "limit of f32 dense"]);
        assert_eq!(panels[0].lines[0].points, [(1024.0, 2.5), (4096.0, 2.5)]);
        assert_eq!(panels[1].lines[2].points, [(1024.0, 20.0), (4096.0, 20.0)]);
        assert!(panels[1].lines[2].is_limit && panels.len() == 2);
    }
}
