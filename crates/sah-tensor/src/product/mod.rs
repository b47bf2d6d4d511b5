//! Products of weights with few rows.

mod dense;

use rayon::prelude::*;

pub use dense::dense;

/// Rows of inputs up to which these products are faster than libtorch's, which packs the weights first for any number of rows
/// but one.
pub const MAX_ROWS: usize = 16;

/// Hands `outputs`, one slice for each row of inputs and all of the same length, to `part` in `threads` pieces, each with the
/// number of its first output: a multiple of `granule`.
pub(crate) fn over_outputs<'a>(
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
