//! The best keys of each row, by any score.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::fold::join_rows;
use crate::mask::{IndexList, Mask};
use crate::masker::shared::chosen::close;
use crate::masker::shared::scores::row_blocks;

/// `previous`, and for each row the `count` best keys that it may read and that are not in `previous`; all of these where
/// there are fewer.
///
/// `scores` gives `[B, H, rows, K]` for a block of query rows, and is written over.
pub(crate) fn add_top_k(
    inputs: &AttentionInputs<'_>,
    previous: Mask,
    count: usize,
    mut scores: impl FnMut(Range<usize>) -> Result<Tensor>,
) -> Result<Mask> {
    let dims = inputs.dims();
    let count = count.min(dims.keys);
    if count == 0 || previous.is_full() {
        return Ok(previous);
    }
    let mut lists = Vec::new();
    for rows in row_blocks(dims, dims.keys) {
        let scores = scores(rows.clone())?;
        close(inputs, &previous, rows, &scores, f64::NEG_INFINITY)?;
        let (best, indices) = scores.f_topk(count as i64, -1, true, false)?;
        lists.push(indices.f_masked_fill(&best.f_eq(f64::NEG_INFINITY)?, -1)?);
    }
    let list = IndexList::assume_valid(join_rows(lists)?, None)?;
    previous.merge(Mask::from_indices(dims.mask_shape(), list)?)
}
