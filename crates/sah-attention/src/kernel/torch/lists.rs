//! Attention over index lists, and ranges beside them.

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::heads::{capped, fold_queries, fold_rows, join_rows, softmax, unfold_output};
use crate::inputs::AttentionInputs;
use crate::kernel::torch::ranges::Union;
use crate::mask::{IndexList, RowRanges};

/// Elements of gathered keys and values that are held at once; decides how many query rows are computed at once.
const GATHERED: usize = 1 << 22;

/// Attention over `list` and `ranges`. Every row must have a key that it may read.
pub(super) fn attend(inputs: &AttentionInputs<'_>, ranges: &RowRanges, list: &IndexList) -> Result<Tensor> {
    let dims = inputs.dims();
    let per_row = dims.batch * dims.heads * list.width() * (dims.head_dim + dims.value_dim);
    let block = (GATHERED / per_row).clamp(1, dims.queries);
    let ranges = ranges.restrict(&inputs.visible());
    let biases = score_biases(inputs, list)?;
    let mut outputs = Vec::with_capacity(dims.queries.div_ceil(block));
    for start in (0..dims.queries).step_by(block) {
        let rows = block.min(dims.queries - start);
        outputs.push(attend_rows(inputs, &ranges, list, &biases, start, rows)?);
    }
    join_rows(outputs)
}

/// What is added to the score of each entry, `[B, H, Q, N]` of `Float`: `-ln p`, and `-inf` for padding and keys that
/// the row may not read.
fn score_biases(inputs: &AttentionInputs<'_>, list: &IndexList) -> Result<Tensor> {
    let seen = inputs.visible().permits(list.indices())?;
    let biases = match list.probabilities() {
        Some(probabilities) => probabilities.f_log()?.f_neg()?,
        None => seen.f_zeros_like()?.f_to_kind(Kind::Float)?,
    };
    Ok(biases.f_masked_fill(&seen.f_logical_not()?, f64::NEG_INFINITY)?)
}

fn attend_rows(
    inputs: &AttentionInputs<'_>,
    ranges: &RowRanges,
    list: &IndexList,
    biases: &Tensor,
    start: usize,
    rows: usize,
) -> Result<Tensor> {
    // Scores and softmax in f32, also for half-precision inputs: only selected keys are converted.
    let kind = inputs.score_kind();
    let queries = fold_queries(inputs, start, rows)?.f_to_kind(kind)?.f_mul_scalar(inputs.scale())?;
    let indices = fold_rows(inputs, list.indices(), start, rows)?.f_clamp_min(0)?;
    let listed_values = || -> Result<Tensor> { Ok(inputs.values_at(&indices)?.f_to_kind(kind)?) };

    // [B, Hkv, g * rows, 1, D] x [.., D, N]
    let keys = inputs.keys_at(&indices)?.f_to_kind(kind)?;
    let scores = queries.f_unsqueeze(-2)?.f_matmul(&keys.f_transpose(-2, -1)?)?.f_squeeze_dim(-2)?;
    let scores = capped(inputs, scores)?.f_add(&fold_rows(inputs, biases, start, rows)?)?;

    let union = Union::of(ranges, start..start + rows);
    let width = union.len() as i64;
    if width == 0 {
        let weights = softmax(inputs, &scores, start..start + rows)?;
        let output = weights.f_unsqueeze(-2)?.f_matmul(&listed_values()?)?.f_squeeze_dim(-2)?;
        return unfold_output(inputs, &output.f_to_kind(inputs.kind())?, rows);
    }

    let range_keys = union.read(|range| inputs.keys_in(range))?.f_to_kind(kind)?;
    let mut range_scores = capped(inputs, queries.f_matmul(&range_keys.f_transpose(-2, -1)?)?)?;
    if let Some(bias) = union.bias(inputs, ranges, start..start + rows)? {
        range_scores = range_scores.f_add(&bias.f_to_kind(kind)?)?;
    }
    let weights = softmax(inputs, &Tensor::f_cat(&[range_scores, scores], -1)?, start..start + rows)?;
    let range_weights = weights.f_narrow(-1, 0, width)?;
    let weights = weights.f_narrow(-1, width, list.width() as i64)?;

    let output = weights.f_unsqueeze(-2)?.f_matmul(&listed_values()?)?.f_squeeze_dim(-2)?;
    let range_values = union.read(|range| inputs.values_in(range))?.f_to_kind(kind)?;
    let output = output.f_add(&range_weights.f_matmul(&range_values)?)?;
    unfold_output(inputs, &output.f_to_kind(inputs.kind())?, rows)
}
