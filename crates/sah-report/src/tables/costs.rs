//! Time, memory and density, a column for each side.

use super::{Cell, Column, Table};
use crate::{Analysis, Side};

type Read = fn(&Side) -> Option<f64>;

/// Lines: the name, where the figure is, and its decimals.
const LINES: [(&str, Read, usize); 14] = [
    ("rows", |side| Some(side.results.detailed.rows as f64), 0),
    ("rows without an answer", |side| Some(side.results.detailed.rows_failed as f64), 0),
    ("reading contexts, s per row", |side| per_row(side, side.results.detailed.total.prefill.seconds), 3),
    ("questions, s per row", |side| per_row(side, side.results.detailed.total.question.seconds), 3),
    ("decoding, s per row", |side| per_row(side, side.results.detailed.total.decode.seconds), 3),
    ("total, s per row", |side| per_row(side, side.results.detailed.total.seconds), 3),
    ("decoded tokens/s", |side| side.results.detailed.total.decode.tokens_per_second, 1),
    ("whole run, s", |side| side.results.detailed.measures.run_seconds, 1),
    ("peak memory, MB", |side| Some(side.results.detailed.measures.peak_memory_bytes? as f64 / 1e6), 0),
    ("density", |side| side.results.detailed.total.density, 4),
    ("context keys kept", |side| side.results.detailed.total.kept, 4),
    ("KV cache after eviction, MB", |side| Some(side.results.detailed.per_row.cache_bytes?.mean / 1e6), 3),
    (
        "KV cache at most, with room for answers, MB",
        |side| Some(side.results.detailed.per_row.peak_cache_bytes?.max / 1e6),
        3,
    ),
    ("attention error", |side| side.results.attention_error(), 4),
];

/// What each side took. Lines that no side has a figure for are left out.
#[must_use]
pub fn costs(analysis: &Analysis<'_>) -> Table {
    let line = |(name, read, digits): (&str, Read, usize)| {
        let figures: Vec<Option<f64>> = analysis.sides.iter().map(|side| read(side)).collect();
        figures.iter().any(Option::is_some).then(|| {
            let cells = figures.into_iter().map(|figure| Cell::number(figure, digits));
            std::iter::once(Cell::text(name)).chain(cells).collect()
        })
    };
    let mut rows: Vec<Vec<Cell>> = LINES.into_iter().filter_map(line).collect();
    if let Some(shares) = analysis.cache_shares() {
        let cells = shares.into_iter().map(|share| Cell::number(share, 4));
        rows.push(std::iter::once(Cell::text("KV cache, share of the bytes")).chain(cells).collect());
    }
    let sides = analysis.labels.iter().map(Column::number);
    Table {
        name: "costs".to_owned(),
        caption: "Time, memory and density. A row is an answered sample; a context that several rows share counts once."
            .to_owned(),
        columns: std::iter::once(Column::text("cost")).chain(sides).collect(),
        rows,
    }
}

/// Of an answered row.
pub(crate) fn per_row(side: &Side, seconds: f64) -> Option<f64> {
    let answered = side.results.detailed.rows_answered();
    (answered > 0).then(|| seconds / answered as f64)
}
