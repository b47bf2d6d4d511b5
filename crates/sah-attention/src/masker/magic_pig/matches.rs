//! Keys that share a bucket with a query in at least one table.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use sah_tensor::cpu::arch;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::toolkit::{Candidates, exclude_selected, row_blocks, unfold_scores};

/// Keys that are compared with one query at a time.
const BLOCK: usize = 2048;

/// Kind of codes of `bits` bits, which must be at most 64.
pub(super) fn code_kind(bits: usize) -> Kind {
    match bits {
        0..=8 => Kind::Uint8,
        9..=15 => Kind::Int16,
        16..=31 => Kind::Int,
        _ => Kind::Int64,
    }
}

/// Packs the signs of `outputs`, `[.., N, l k]`, a positive one as a set bit, into codes `[.., l, N]` of `Int64`.
pub(super) fn pack(outputs: &Tensor, tables: usize) -> Result<Tensor> {
    let mut size = outputs.size();
    let last = size.len() - 1;
    let bits = size[last] / tables as i64;
    size[last] = tables as i64;
    size.push(bits);
    let places: Vec<i64> = (0..bits).map(|bit| 1_i64 << bit).collect();
    let places = Tensor::f_from_slice(&places)?.f_to_device(outputs.device())?;
    let set = outputs.f_gt(0.0)?.f_view(size.as_slice())?.f_mul(&places)?;
    Ok(set.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Int64)?.f_transpose(-2, -1)?.f_contiguous()?)
}

/// The candidates that share a code with `query` in some table, `keys[table][key]`; on the CPU.
pub(super) fn matches<T: Copy + PartialEq>(query: &[T], keys: &[&[T]], candidates: &Candidates) -> Vec<i64> {
    let mut found = Vec::new();
    let mut hits = [0_u8; BLOCK];
    for range in candidates.ranges() {
        for start in range.clone().step_by(BLOCK) {
            let range = start..range.end.min(start + BLOCK);
            let hits = &mut hits[..range.len()];
            hits.fill(0);
            arch().dispatch(Compare { query, keys, range, hits });
            found.extend((start..).zip(hits).filter(|(_, hit)| **hit != 0).map(|(key, _)| key as i64));
        }
    }
    found
}

/// Marks the keys of `range` with an equal code, with the widest instructions that the processor has.
struct Compare<'a, T> {
    query: &'a [T],
    keys: &'a [&'a [T]],
    range: Range<usize>,
    hits: &'a mut [u8],
}

impl<T: Copy + PartialEq> WithSimd for Compare<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (query, keys) in self.query.iter().zip(self.keys) {
            for (hit, key) in self.hits.iter_mut().zip(&keys[self.range.clone()]) {
                *hit |= u8::from(key == query);
            }
        }
    }
}

/// The same on any device: `queries` `[B, Hkv, l, g Q]`, `keys` `[B, Hkv, l, K]`; indices `[B, H, Q, N]`, padded with -1;
/// `None` where nothing matches.
pub(super) fn by_tensors(
    inputs: &AttentionInputs<'_>,
    previous: &Mask,
    queries: &Tensor,
    keys: &Tensor,
) -> Result<Option<Tensor>> {
    let dims = inputs.dims();
    let tables = keys.size()[2];
    let [batch, kv_heads, group, rows] =
        [dims.batch, dims.kv_heads, dims.group(), dims.queries].map(|n| n as i64);
    let queries = queries.f_reshape([batch, kv_heads, tables, group, rows])?;
    let mut lists = Vec::new();
    for block in row_blocks(dims, dims.keys) {
        let queries = queries.f_narrow(4, block.start as i64, block.len() as i64)?;
        let mut hits = Tensor::f_zeros([1], (Kind::Bool, inputs.device()))?;
        for table in 0..tables {
            let queries = queries.f_select(2, table)?.f_flatten(2, 3)?.f_unsqueeze(-1)?;
            hits = hits.f_logical_or(&queries.f_eq_tensor(&keys.f_select(2, table)?.f_unsqueeze(2)?)?)?;
        }
        let hits = unfold_scores(dims, &hits.f_to_kind(Kind::Float)?, block.len())?;
        exclude_selected(inputs, previous, block, &hits, 0.0)?;
        let most =
            hits.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Int64)?.f_max()?.f_int64_value(&[])?;
        let (hit, indices) = hits.f_topk(most, -1, true, true)?;
        lists.push(indices.f_masked_fill(&hit.f_eq(0.0)?, -1)?);
    }
    let width = lists.iter().map(|list| list.size()[3]).max().unwrap_or(0);
    if width == 0 {
        return Ok(None);
    }
    let padded = lists.iter().map(|list| list.f_pad([0, width - list.size()[3]], "constant", -1.0));
    Ok(Some(Tensor::f_cat(&padded.collect::<Result<Vec<_>, _>>()?, 2)?))
}
