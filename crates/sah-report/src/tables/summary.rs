//! Each side in a line.

use super::costs::per_row;
use super::{Cell, Column, Table};
use crate::Analysis;

/// The benchmark's single figure of each side, if it has one, its difference to what it is held against first, and what it took.
#[must_use]
pub fn summary(analysis: &Analysis<'_>) -> Table {
    let (scale, digits) = (analysis.units.score.text(), analysis.units.score.digits());
    let cache_shares = analysis.cache_shares();
    let row = |(number, label): (usize, &String)| {
        let side = analysis.sides[number];
        let first = analysis.comparisons.iter().find(|comparison| comparison.other == number);
        let difference = first.and_then(|comparison| comparison.overall).map(|overall| overall.estimate);
        let total = &side.results.detailed.total;
        let mut cells = vec![Cell::text(label)];
        if analysis.has_overall() {
            cells.extend([
                Cell::estimate(analysis.scores[number].overall, digits),
                difference.map_or(Cell::Empty, |difference| Cell::SignedEstimate(difference, digits)),
                difference.map_or(Cell::Empty, |difference| Cell::Verdict(difference.verdict())),
            ]);
        }
        cells.push(Cell::number(total.density, 4));
        cells.extend(cache_shares.iter().map(|shares| Cell::number(shares[number], 4)));
        cells.extend([
            Cell::number(per_row(side, total.seconds), 2),
            Cell::number(total.decode.tokens_per_second, 1),
        ]);
        cells
    };
    let mut columns = vec![Column::text("attention")];
    let mut caption = "Density and time.".to_owned();
    if analysis.has_overall() {
        let score = format!("overall score ({scale})");
        columns.extend([Column::estimate(score), Column::estimate("difference"), Column::text("which is")]);
        caption = format!(
            "The benchmark\u{2019}s single figure, from {scale}, in brackets its 95 % confidence interval; the difference to the \
             baseline; density; and time."
        );
    }
    columns.push(Column::number("density"));
    columns.extend(cache_shares.iter().map(|_| Column::number("bytes of the KV cache, share")));
    columns.extend(["s per row", "decoded tokens/s"].map(Column::number));
    Table {
        name: "summary".to_owned(),
        caption,
        columns,
        rows: analysis.labels.iter().enumerate().map(row).collect(),
    }
}
