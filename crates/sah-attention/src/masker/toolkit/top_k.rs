//! The best keys of each row, by any score.

use std::ops::Range;

use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::heads::join_rows;
use crate::inputs::AttentionInputs;
use crate::mask::{IndexList, Mask};
use crate::masker::toolkit::{Candidates, Selected, exclude_selected, row_blocks};
use sah_tensor::element::F32;
use sah_tensor::torch::elements;

/// `previous`, and for each row the `count` best keys that it may read and that are not in `previous`; all of these where
/// there are fewer. Keys with a score of `-inf` are not taken.
///
/// `scores` gives `[B, H, rows, K]` for a block of query rows, and is written over. On the CPU the later of two keys with
/// equal `Float` scores is taken; elsewhere libtorch chooses.
pub fn add_top_k(
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
    let selected = if inputs.device() == Device::Cpu { Some(Selected::of(&previous)?) } else { None };
    let mut lists = Vec::new();
    for rows in row_blocks(dims, dims.keys) {
        let scores = scores(rows.clone())?;
        let size = [dims.batch, dims.heads, rows.len(), dims.keys].map(|size| size as i64);
        if scores.size() != size {
            let expected = format!("{size:?} like the rows and keys");
            return Err(Error::Shape { tensor: "scores", expected, found: scores.size() });
        }
        lists.push(match &selected {
            Some(selected) if scores.kind() == Kind::Float => {
                on_host(inputs, selected, rows, &scores, count)?
            }
            _ => {
                exclude_selected(inputs, &previous, rows, &scores, f64::NEG_INFINITY)?;
                let (best, indices) = scores.f_topk(count as i64, -1, true, false)?;
                indices.f_masked_fill(&best.f_eq(f64::NEG_INFINITY)?, -1)?
            }
        });
    }
    let list = IndexList::assume_valid(join_rows(lists)?, None)?;
    previous.merge(Mask::from_indices(dims.mask_shape(), list)?)
}

/// The best keys of the query rows `rows`, `[B, H, rows, count]` padded with -1, by all cores.
#[expect(unsafe_code, reason = "reads scores in place")]
fn on_host(
    inputs: &AttentionInputs<'_>,
    selected: &Selected<'_>,
    rows: Range<usize>,
    scores: &Tensor,
    count: usize,
) -> Result<Tensor> {
    let (dims, visible) = (inputs.dims(), inputs.visible());
    let scores = scores.f_contiguous()?;
    // SAFETY: nothing is written to a tensor while the slice is in use.
    let scores = unsafe { elements::<F32>(&scores)? };
    let mut indices = vec![-1_i64; scores.len() / dims.keys * count];
    indices.par_chunks_mut(count).zip(scores.par_chunks(dims.keys)).enumerate().for_each(
        |(at, (indices, scores))| {
            let (head, row) = (at / rows.len(), rows.start + at % rows.len());
            best(scores, &selected.remaining(head, row, visible.row(row)), indices);
        },
    );
    let size = [dims.batch, dims.heads, rows.len(), count].map(|size| size as i64);
    Ok(Tensor::f_from_slice(&indices)?.f_view(size)?)
}

/// A number that orders as the score does, from the bits of the score.
fn order(score: f32) -> u32 {
    let bits = score.to_bits();
    // All bits of a negative number turn, only the sign of another.
    bits ^ ((bits as i32 >> 31) as u32 | 0x8000_0000)
}

/// Leading bits of [`order`] by which scores are counted first.
const COUNTED: u32 = 11;

/// Writes the best candidates to the front of `indices`, in no order, the later one of equals; not those at `-inf`.
///
/// Scores are counted by their leading bits, which shows the bin that the border falls into; only that bin is sorted.
fn best(scores: &[f32], candidates: &Candidates, indices: &mut [i64]) {
    let bin = |score: f32| (order(score) >> (32 - COUNTED)) as usize;
    let mut counts = [0_u32; 1 << COUNTED];
    for range in candidates.ranges() {
        for &score in &scores[range.clone()] {
            counts[bin(score)] += 1;
        }
    }
    let (mut border, mut above) = (counts.len(), 0);
    // Below lies nothing but NaN.
    let least = bin(f32::NEG_INFINITY);
    while border > least && above < indices.len() {
        border -= 1;
        above += counts[border] as usize;
    }
    let mut on_border: Vec<(u32, usize)> = Vec::with_capacity(counts[border] as usize);
    let mut taken = 0;
    for range in candidates.ranges() {
        for (key, &score) in range.clone().zip(&scores[range.clone()]) {
            let bin = bin(score);
            if bin > border {
                indices[taken] = key as i64;
                taken += 1;
            } else if bin == border && score > f32::NEG_INFINITY {
                on_border.push((order(score), key));
            }
        }
    }
    let left = (indices.len() - taken).min(on_border.len());
    if left < on_border.len() && left > 0 {
        on_border.select_nth_unstable_by(left - 1, |a, b| b.cmp(a));
    }
    for (index, (_, key)) in indices[taken..].iter_mut().zip(&on_border[..left]) {
        *index = *key as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MaskShape, RowRanges};
    use crate::masker::toolkit::RandomStream;

    #[test]
    fn order_is_that_of_the_scores() {
        let scores =
            [f32::NEG_INFINITY, -3e38, -1.5, -1e-40, 0.0, 1e-40, 1.0, 1.000_000_1, 3e38, f32::INFINITY];
        assert!(scores.map(order).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn the_best_are_those_of_a_sort() {
        let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 500 };
        let ranges = RowRanges::from_rows(500, [vec![0..4, 100..130, 131..132, 499..500]]).unwrap();
        let mask = Mask::from_ranges(shape, ranges).unwrap();
        let candidates = Selected::of(&mask).unwrap().remaining(0, 0, 2..480);
        let mut keys: Vec<usize> = candidates.ranges().iter().cloned().flatten().collect();
        let normals = RandomStream::new(1, 0).normals(500);
        let rounded: Vec<f32> = normals.iter().map(|x| x.round()).collect();
        let narrow: Vec<f32> = normals.iter().map(|x| 1.0 + x * 1e-5).collect();
        let holes: Vec<f32> = normals.iter().map(|&x| if x < 0.5 { f32::NEG_INFINITY } else { x }).collect();
        for scores in [&normals, &rounded, &narrow, &holes, &vec![-2.0; 500]] {
            keys.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(b.cmp(a)));
            for count in [1, 7, 60, 445, 446, 600] {
                let mut got = vec![-1; count];
                best(scores, &candidates, &mut got);
                let mut want: Vec<i64> = keys.iter().take(count).map(|&key| key as i64).collect();
                want.retain(|&key| scores[key as usize] > f32::NEG_INFINITY);
                want.resize(count, -1);
                got.sort_unstable();
                want.sort_unstable();
                assert_eq!(got, want, "{count} keys");
            }
        }
    }
}
