//! Attention over key ranges: narrowed views of the cache, no gather.

use std::ops::Range;

use tch::Tensor;

use crate::error::Result;
use crate::heads::{fold_queries, join_rows, unfold_output};
use crate::inputs::AttentionInputs;
use crate::kernel::torch::folded::{attend_folded, can_be_fused};
use crate::mask::RowRanges;

/// Query rows that are computed at once over the union of their ranges.
const BLOCK: usize = 128;

/// Scores that are held at once where libtorch's fused attention cannot compute the layer; 64 MiB in `Float`.
const SCORES: usize = 1 << 24;

/// Attention where `ranges` is all there is. Every row must have a key that it may read.
pub(super) fn attend(inputs: &AttentionInputs<'_>, ranges: &RowRanges) -> Result<Tensor> {
    let dims = inputs.dims();
    let visible = inputs.visible();
    if dims.queries == 1 && !visible.is_windowed() {
        // Decoding. Nothing is in the future of the last row.
        return block(inputs, ranges, 0..1);
    }
    attend_blocks(inputs, &ranges.restrict(&visible))
}

/// Attention of rows that read `ranges` and nothing else: neither causality nor the layer's window is applied.
pub(super) fn attend_blocks(inputs: &AttentionInputs<'_>, ranges: &RowRanges) -> Result<Tensor> {
    let dims = inputs.dims();
    let rows = if can_be_fused(inputs) {
        BLOCK
    } else {
        (SCORES / (dims.batch * dims.heads * dims.keys)).clamp(1, BLOCK)
    };
    let starts = (0..dims.queries).step_by(rows);
    join_rows(
        starts
            .map(|start| block(inputs, ranges, start..dims.queries.min(start + rows)))
            .collect::<Result<Vec<_>>>()?,
    )
}

fn block(inputs: &AttentionInputs<'_>, ranges: &RowRanges, rows: Range<usize>) -> Result<Tensor> {
    let count = rows.len();
    let union = Union::of(ranges, rows.clone());
    let queries = fold_queries(inputs, rows.start, count)?;
    let bias = union.bias(inputs, ranges, rows.clone())?;
    let keys = union.read(|range| inputs.keys_in(range))?;
    let values = union.read(|range| inputs.values_in(range))?;
    let output = attend_folded(inputs, rows, &queries, (&keys, &values), bias.as_ref())?;
    unfold_output(inputs, &output, count)
}

/// The keys that a block of rows reads between them.
pub(super) struct Union {
    ranges: Vec<Range<usize>>,
}

impl Union {
    /// Union over the query rows `rows` of `ranges`.
    pub(super) fn of(ranges: &RowRanges, rows: Range<usize>) -> Self {
        Self {
            ranges: if rows.len() == 1 {
                ranges.row(rows.start).to_vec()
            } else {
                ranges.union_of_rows(rows)
            },
        }
    }

    /// Number of keys, `U`.
    pub(super) fn len(&self) -> usize {
        self.ranges.iter().map(Range::len).sum()
    }

    /// These keys, of which `range` gives one range `[B, Hkv, n, D]`, as `[B, Hkv, U, D]`: what it gives where they are one
    /// range, else a copy of them alone.
    pub(super) fn read(&self, range: impl Fn(Range<usize>) -> Result<Tensor>) -> Result<Tensor> {
        join_rows(self.ranges.iter().cloned().map(range).collect::<Result<Vec<_>>>()?)
    }

    /// 0 where a row reads a key of the union and `-inf` elsewhere, `[g * rows, U]` in the kind of the inputs; `None`
    /// where every row reads all of them.
    pub(super) fn bias(
        &self,
        inputs: &AttentionInputs<'_>,
        ranges: &RowRanges,
        rows: Range<usize>,
    ) -> Result<Option<Tensor>> {
        if rows.clone().all(|row| ranges.row(row) == self.ranges) {
            return Ok(None);
        }
        let (count, width) = (rows.len(), self.len());
        let mut bias = vec![f32::NEG_INFINITY; count * width];
        for (row, bias) in rows.zip(bias.chunks_exact_mut(width)) {
            let mut own = ranges.row(row).iter().peekable();
            // Where the current range of the union starts, counted along the union.
            let mut offset = 0;
            for part in &self.ranges {
                // Ranges of a row never cross the end of a range of the union.
                while let Some(range) = own.next_if(|range| range.end <= part.end) {
                    bias[offset + range.start - part.start..offset + range.end - part.start].fill(0.0);
                }
                offset += part.len();
            }
        }
        let bias = Tensor::f_from_slice(&bias)?.f_view([count as i64, width as i64])?;
        let bias = bias.f_to_device(inputs.device())?.f_to_kind(inputs.kind())?;
        Ok(Some(bias.f_repeat([inputs.dims().group() as i64, 1])?))
    }
}
