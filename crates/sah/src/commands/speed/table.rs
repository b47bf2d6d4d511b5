//! Figures as tables on the terminal.

use super::figures::{Figure, Measure};
use super::report::Report;
use crate::terminal::{figure, figures};

/// A title and a table for each measure that has figures.
pub(super) fn text(report: &Report) -> String {
    let tables = Measure::ALL.iter().filter_map(|&measure| table(report, measure));
    tables.collect::<Vec<_>>().join("\n\n")
}

fn table(report: &Report, measure: Measure) -> Option<String> {
    let rows = report.figures.of(measure);
    let first = rows.first()?;
    let mut baselines: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.is_baseline) {
        if !baselines.contains(&row.side.as_str()) {
            baselines.push(&row.side);
        }
    }
    // Without another program, sides are compared with the first.
    if baselines.is_empty() && rows.iter().any(|row| row.side != first.side) {
        baselines.push(&first.side);
    }
    let (title, unit) = title(measure, report);
    let mut header: Vec<String> =
        ["", "tokens", unit, "range", "limit", "times the limit"].map(str::to_owned).to_vec();
    header.extend(baselines.iter().map(|baseline| match measure {
        Measure::Memory => format!("{baseline} / it"),
        _ => format!("times faster than {baseline}"),
    }));
    let cells = |row: &&Figure| {
        let (low, high) = row.range();
        let (low, high) = (shown(measure, low), shown(measure, high));
        let range =
            if measure == Measure::Decode { format!("{high} to {low}") } else { format!("{low} to {high}") };
        let mut cells = vec![
            row.side.clone(),
            row.context.to_string(),
            shown(measure, row.median()),
            range,
            row.limit().map_or_else(|| "-".to_owned(), |limit| shown(measure, limit)),
            figure(row.times_limit(), 2),
        ];
        cells.extend(baselines.iter().map(|baseline| {
            let base = rows.iter().find(|base| base.context == row.context && base.side == **baseline);
            figure(base.map(|base| row.times_in(base)), 2)
        }));
        cells
    };
    Some(format!("{title}\n\n{}", figures(header, rows.iter().map(cells).collect())))
}

/// What a table is about, and its unit.
fn title(measure: Measure, report: &Report) -> (String, &'static str) {
    let settings = &report.settings;
    match measure {
        Measure::FirstToken => ("From starting the program to the first token".to_owned(), "s"),
        Measure::Startup => ("The same without reading the prompt".to_owned(), "s"),
        Measure::Prefill => ("Reading the context".to_owned(), "s"),
        Measure::Decode => (format!("Decoding {} tokens", settings.new_tokens), "tokens/s"),
        Measure::Shared => {
            let (questions, tokens) = (settings.questions, settings.new_tokens);
            (format!("{questions} questions about one context, {tokens} tokens after the first each"), "s")
        }
        Measure::Memory => ("Peak memory; the limit is weights and cache".to_owned(), "MB"),
    }
}

/// A value in the unit of its table.
fn shown(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Decode => format!("{:.1}", 1.0 / value),
        Measure::Memory => format!("{:.0}", value / 1e6),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::commands::speed::report::tests::report;

    #[test]
    fn a_row_has_its_limit_and_its_ratios() {
        let text = text(&report());
        let cells = |start: &str| -> Vec<Vec<String>> {
            let rows = text.lines().filter(|line| line.starts_with(start));
            rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
                .collect()
        };
        let ours = cells("| f32 dense");
        assert_eq!(ours[0], ["f32 dense", "1024", "2.50", "2.00 to 3.00", "1.60", "1.56", "1.50"], "{text}");
        assert_eq!(ours[2], ["f32 dense", "1024", "40.0", "40.0 to 40.0", "50.0", "1.25", "4.00"], "{text}");
        let peer = cells("| transformers");
        assert_eq!(peer[1], ["transformers", "4096", "3.75", "3.00 to 4.50", "-", "-", "1.00"], "{text}");
        assert!(text.contains("times faster than transformers"), "{text}");
        assert!(!text.contains("memory"), "{text}");
    }

    #[test]
    fn without_a_peer_sides_are_compared_with_the_first() {
        let mut report = report();
        for figure in &mut report.figures.0 {
            figure.is_baseline = false;
        }
        assert!(text(&report).contains("times faster than f32 dense"));
    }
}
