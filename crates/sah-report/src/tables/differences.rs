//! What changes from one side to another, and whether it is beyond noise.

use sah_bench_core::Scale;

use super::{Cell, Column, Table};
use crate::{Analysis, Comparison, Difference};

/// One comparison: a row for each task and bucket, and one for the benchmark's single figure.
#[must_use]
pub fn difference(analysis: &Analysis<'_>, comparison: &Comparison) -> Table {
    let names = [comparison.base, comparison.other].map(|side| analysis.labels[side].clone());
    let [base, other] = &names;
    let row = |(name, difference): (String, &Difference)| {
        let mut cells = vec![Cell::text(name)];
        cells.extend(cells_of(difference, analysis.units.score));
        cells
    };
    Table {
        name: format!("difference_{}", file_name(&analysis.name_of(comparison))),
        caption: format!(
            "{other} minus {base}: difference of scores, in brackets its 95 % confidence interval. Beyond noise is \
             where that excludes 0."
        ),
        columns: vec![
            Column::text(format!("score ({})", analysis.units.score.text())),
            Column::number("rows"),
            Column::number(base),
            Column::number(other),
            Column::estimate("difference"),
            Column::text("says"),
            Column::text("rows are"),
        ],
        rows: named(analysis, comparison).into_iter().map(row).collect(),
    }
}

/// All comparisons in one table, to be read by programs.
#[must_use]
pub fn differences(analysis: &Analysis<'_>) -> Table {
    let mut rows = Vec::new();
    for comparison in &analysis.comparisons {
        for (name, difference) in named(analysis, comparison) {
            let label = |side: usize| Cell::text(&analysis.labels[side]);
            let mut cells = vec![label(comparison.base), label(comparison.other), Cell::text(name)];
            cells.extend(cells_of(difference, analysis.units.score));
            rows.push(cells);
        }
    }
    Table {
        name: "differences".to_owned(),
        caption: "Differences of scores, with 95 % confidence intervals.".to_owned(),
        columns: vec![
            Column::text("base"),
            Column::text("other"),
            Column::text("task"),
            Column::number("rows"),
            Column::number("base score"),
            Column::number("other score"),
            Column::estimate("difference"),
            Column::text("says"),
            Column::text("rows are"),
        ],
        rows,
    }
}

/// Of each task and bucket, in a grid of the means of each column, and of the benchmark's single figure.
fn named<'a>(analysis: &'a Analysis<'_>, comparison: &'a Comparison) -> Vec<(String, &'a Difference)> {
    let groups = comparison.groups.iter().map(|(group, difference)| (analysis.group_name(group), difference));
    let means = analysis.grid.iter().flat_map(|grid| &grid.columns.names);
    let means = means.filter_map(|name| Some((format!("mean {name}"), comparison.margins.get(name)?)));
    let overall = comparison.overall.as_ref().map(|overall| ("overall".to_owned(), overall));
    groups.chain(means).chain(overall).collect()
}

fn cells_of(difference: &Difference, scale: Scale) -> [Cell; 6] {
    let Difference { base, other, estimate, pairing } = difference;
    [
        Cell::Number(estimate.rows as f64, 0),
        Cell::Number(*base, scale.digits()),
        Cell::Number(*other, scale.digits()),
        Cell::SignedEstimate(*estimate, scale.digits()),
        Cell::Verdict(estimate.verdict()),
        Cell::text(pairing.text()),
    ]
}

/// Letters, digits and what is harmless in the name of a file.
pub(crate) fn file_name(text: &str) -> String {
    let mut name: String =
        text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_of_files_stay_in_their_folder() {
        assert_eq!(file_name("a/quest - ../dense"), "a_quest_dense");
    }
}
