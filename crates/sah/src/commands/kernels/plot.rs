//! Time against the number of keys, a panel for each table.

use std::path::Path;

use super::report::{self, Length, Report, Table};
use crate::chart::{self, Line, Panel};

/// Writes an SVG with logarithmic axes. The dashed line is what the memory's speed allows for all keys.
pub(super) fn write(report: &Report, path: &Path) -> anyhow::Result<()> {
    let panels: Vec<Panel> = report.tables.iter().map(panel).collect();
    chart::write(path, &panels)
}

fn panel(table: &Table) -> Panel {
    let line = |name: &str, is_limit, seconds: &dyn Fn(&Length) -> Option<f64>| Line {
        name: name.to_owned(),
        points: table
            .lengths
            .iter()
            .filter_map(|length| Some((length.keys as f64, seconds(length)? * 1e3)))
            .collect(),
        is_limit,
    };
    let drawn = table.lengths.iter().take(1).flat_map(|length| &length.sides).filter(|side| is_drawn(side));
    let mut lines: Vec<Line> = drawn
        .map(|side| line(&side.name, false, &|length| Some(find(length, &side.name)?.seconds)))
        .collect();
    let bound =
        line("memory's speed, all keys", true, &|length| find(length, "dense_attention")?.bound_seconds);
    if !bound.points.is_empty() {
        lines.push(bound);
    }
    Panel { title: table.title(), x: "keys", y: "milliseconds", lines }
}

fn find<'a>(length: &'a Length, name: &str) -> Option<&'a report::Line> {
    length.sides.iter().find(|line| line.name == name)
}

/// Selections alone are in the table.
fn is_drawn(line: &report::Line) -> bool {
    !line.name.ends_with("selection") && !line.name.starts_with("gather")
}
