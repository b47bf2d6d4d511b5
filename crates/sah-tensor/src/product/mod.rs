//! Products of rows of inputs with weights that are packed in panels.
//!
//! A panel is 16 rows of weights, column by column: the 16 weights of a column lie side by side, so that nothing is ever summed across a
//! vector, and memory is read in one stream a panel. The last panel may end with rows of zeros.
//!
//! Each output is a sum over the columns in their order, by fused multiply-adds in f32, block of columns by block: its bits depend on
//! neither the number of rows nor that of threads.

mod bf16;
mod multiply;
mod panels;
#[cfg(test)]
mod tests;
mod tile;
mod tiles;

use rayon::prelude::*;

pub use bf16::{DotProducts, Output};
pub use multiply::{multiply, multiply_bf16};
pub use panels::{PANEL, Panels, Plain, pack, unpack};

/// Rows of inputs up to which weights are widened as they are read, and not before.
pub const MAX_ROWS: usize = 16;

/// Columns whose products are summed up before they are added to an output, for `columns` in all: as many in each block, but for the last.
fn block_of_columns(columns: usize) -> usize {
    const LARGEST: usize = 1024;
    // Formats of quantised weights have blocks of up to 256 columns.
    const GRANULE: usize = 256;
    if columns <= LARGEST {
        return columns.max(1);
    }
    columns.div_ceil(columns.div_ceil(LARGEST)).next_multiple_of(GRANULE)
}

/// Hands `outputs`, one slice for each row of inputs and all of the same length, to `part` in `threads` pieces, each with the
/// number of its first output: a multiple of `granule`.
fn over_outputs<'a>(
    outputs: Vec<&'a mut [f32]>,
    granule: usize,
    threads: usize,
    part: impl Fn(usize, &mut [&'a mut [f32]]) + Sync,
) {
    let count = outputs.first().map_or(0, |row| row.len());
    assert!(outputs.iter().all(|row| row.len() == count), "rows of outputs differ in length");
    if count == 0 {
        return;
    }
    let step = count.div_ceil(threads.max(1)).next_multiple_of(granule);
    let mut pieces: Vec<(usize, Vec<&mut [f32]>)> =
        (0..count).step_by(step).map(|first| (first, Vec::with_capacity(outputs.len()))).collect();
    for row in outputs {
        for (piece, (_, rows)) in row.chunks_mut(step).zip(&mut pieces) {
            rows.push(piece);
        }
    }
    match pieces.as_mut_slice() {
        [(first, rows)] => part(*first, rows),
        pieces => pieces.par_iter_mut().with_max_len(1).for_each(|(first, rows)| part(*first, rows)),
    }
}
