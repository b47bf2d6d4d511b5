//! The denominator of what is selected already.

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::heads::join_rows;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, Selection};
use crate::masker::toolkit::{exact_scores, exact_scores_at, row_blocks};

/// `ln sum_j exp(S_ij) / W_ij` over the keys that `mask` selects and row `i` may read: `[B, H, Q]` of `Double`, `-inf`
/// where there is none. A full mask is not expected here.
pub(super) fn log_mass(inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<Tensor> {
    let dims = inputs.dims();
    let size = [dims.batch, dims.heads, dims.queries].map(|size| size as i64);
    let nothing = || Tensor::f_full(size, f64::NEG_INFINITY, (Kind::Double, inputs.device()));
    let Selection::Sparse(sparse) = mask.selection() else { return Ok(nothing()?) };
    let log_sum = |scores: &Tensor| scores.f_to_kind(Kind::Double)?.f_logsumexp([-1i64].as_slice(), false);

    let ranges = sparse.ranges().restrict(&inputs.visible());
    let mut of_ranges = Vec::with_capacity(dims.queries);
    for row in 0..dims.queries {
        let mut known = nothing()?.f_narrow(2, 0, 1)?;
        for range in ranges.row(row) {
            known = known.f_logaddexp(&log_sum(&exact_scores(inputs, row..row + 1, range.clone())?)?)?;
        }
        of_ranges.push(known);
    }
    let of_ranges = join_rows(of_ranges)?;

    let Some(list) = sparse.keys()?.filter(|list| list.width() > 0) else { return Ok(of_ranges) };
    let mut scores = Vec::new();
    for rows in row_blocks(dims, list.width() * dims.head_dim) {
        scores.push(exact_scores_at(inputs, rows, list.indices())?);
    }
    let mut scores = join_rows(scores)?;
    if let Some(probabilities) = list.probabilities() {
        scores = scores.f_sub(&probabilities.f_log()?)?;
    }
    let unread = inputs.visible().permits(list.indices())?.f_logical_not()?;
    let scores = scores.f_masked_fill(&unread, f64::NEG_INFINITY)?;
    Ok(of_ranges.f_logaddexp(&log_sum(&scores)?)?)
}
