//! Rows of inputs, as products read them.

use rayon::prelude::*;

use super::tile::TALLEST;

/// Rows of inputs in tiles of as many rows each, column by column: `[tiles, columns, height]`. The last tile may end with rows of zeros, and
/// each with a column of them.
#[derive(Debug)]
pub(super) struct Tiles {
    values: Vec<f32>,
    height: usize,
    /// Values of a tile.
    stride: usize,
}

impl Tiles {
    /// Of `x`, `[rows, columns]`, neither of them 0, in as few tiles as their height allows, by all threads where there are many rows.
    pub(super) fn new(x: &[f32], columns: usize) -> Self {
        let rows = x.len() / columns;
        let height = rows.div_ceil(rows.div_ceil(TALLEST));
        let stride = columns.next_multiple_of(2) * height;
        let mut values = vec![0.0; rows.div_ceil(height) * stride];
        let fill = |(values, x): (&mut [f32], &[f32])| {
            for (row, x) in x.chunks_exact(columns).enumerate() {
                for (value, x) in values[row..].iter_mut().step_by(height).zip(x) {
                    *value = *x;
                }
            }
        };
        let tiles = values.par_chunks_mut(stride).zip(x.par_chunks(height * columns));
        tiles.with_min_len(8).for_each(fill);
        Self { values, height, stride }
    }

    /// Rows of each.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Tiles from number `first` on.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = &[f32]> {
        self.values[first * self.stride..].chunks_exact(self.stride)
    }
}
