//! One query row in f32 on the CPU: every key and value is read once, by all cores.
//!
//! The keys are cut into blocks. Each block gives the maximum of its scores, the sum of their exponentials and the values
//! weighted by them; blocks are joined by rescaling to the common maximum (Milakov and Gimelshein 2018, arXiv 1805.02867).

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;

/// Keys in a block: 64 KiB of keys and as much of values at 64 elements each.
const BLOCK: usize = 256;

/// Whether [`decode`] takes these inputs.
pub(super) fn supports(inputs: &AttentionInputs<'_>) -> Result<bool> {
    let plain = inputs.dims().queries == 1 && inputs.kind() == Kind::Float && inputs.device() == Device::Cpu;
    Ok(plain && inputs.keys().stride4()?.3 == 1 && inputs.values().stride4()?.3 == 1)
}

/// Dense attention `[B, H, 1, Dv]` of one row over all keys; a window was cut off before.
pub(super) fn decode(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let (group, head_dim, value_dim) = (dims.group(), dims.head_dim, dims.value_dim);
    let queries = Vec::<f32>::try_from(inputs.queries().f_reshape([-1])?.f_mul_scalar(inputs.scale())?)?;
    let soft_cap = inputs.soft_cap().map(|cap| cap as f32);
    let heads = dims.batch * dims.kv_heads;
    let (keys, values) = (Rows::of_heads(inputs.keys())?, Rows::of_heads(inputs.values())?);

    let blocks = dims.keys.div_ceil(BLOCK);
    let mut parts: Vec<Part> = Vec::new();
    parts.resize_with(heads * blocks, Part::default);
    let threads = tch::get_num_threads().max(1) as usize;
    let arch = Arch::new();
    let work = |first: usize, parts: &mut [Part]| {
        for (offset, part) in parts.iter_mut().enumerate() {
            let (head, block) = ((first + offset) / blocks, (first + offset) % blocks);
            let span = block * BLOCK..((block + 1) * BLOCK).min(dims.keys);
            let queries = &queries[head * group * head_dim..(head + 1) * group * head_dim];
            *part = Part::new(group, value_dim);
            let (keys, values) = (&keys[head], &values[head]);
            arch.dispatch(Block { queries, keys, values, soft_cap, span, part });
        }
    };
    let share = parts.len().div_ceil(threads);
    if threads == 1 {
        work(0, &mut parts);
    } else {
        parts.par_chunks_mut(share).enumerate().for_each(|(number, parts)| work(number * share, parts));
    }

    let output: Vec<f32> = parts.chunks(blocks).flat_map(|parts| join(parts, group, value_dim)).collect();
    let size = [dims.batch, dims.heads, 1, value_dim].map(|size| size as i64);
    Ok(Tensor::from_slice(&output).f_view(size)?)
}

/// The keys or values of one head: row `j` begins at `j * stride`.
#[derive(Debug)]
struct Rows<'a> {
    data: &'a [f32],
    stride: usize,
    width: usize,
}

impl<'a> Rows<'a> {
    /// All heads of `cache`, those of the first sequence first.
    fn of_heads(cache: &'a Tensor) -> Result<Vec<Self>> {
        let (batch, heads, _, _) = cache.size4()?;
        (0..batch * heads).map(|head| Self::of_head(cache, head / heads, head % heads)).collect()
    }

    /// Of `cache`, `[B, Hkv, K, D]` in f32 on the CPU with the elements of a row side by side.
    #[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
    fn of_head(cache: &'a Tensor, batch: i64, head: i64) -> Result<Self> {
        let (_, _, keys, width) = cache.size4()?;
        let (of_batch, of_head, of_key, _) = cache.stride4()?;
        let offset = batch * of_batch + head * of_head;
        let length = (keys - 1) * of_key + width;
        // SAFETY: the tensor's sizes and strides say that these elements are its own; it is borrowed for 'a, and nothing
        // writes to the cache while attention reads it.
        let data = unsafe {
            std::slice::from_raw_parts(
                cache.data_ptr().cast::<f32>().offset(offset as isize),
                length as usize,
            )
        };
        Ok(Self { data, stride: of_key as usize, width: width as usize })
    }

    fn row(&self, key: usize) -> &'a [f32] {
        &self.data[key * self.stride..key * self.stride + self.width]
    }
}

/// What one block gives for the query heads of a group.
#[derive(Debug, Default)]
struct Part {
    /// Largest score, `[g]`.
    max: Vec<f32>,
    /// Sum of `exp(score - max)`, `[g]`.
    sum: Vec<f32>,
    /// Values weighted by `exp(score - max)`, `[g, Dv]`.
    weighted: Vec<f32>,
}

impl Part {
    fn new(group: usize, value_dim: usize) -> Self {
        Self {
            max: vec![f32::NEG_INFINITY; group],
            sum: vec![0.0; group],
            weighted: vec![0.0; group * value_dim],
        }
    }
}

/// The blocks of one key head as attention of its query heads, `[g, Dv]`.
fn join(parts: &[Part], group: usize, value_dim: usize) -> Vec<f32> {
    let mut output = vec![0.0; group * value_dim];
    for head in 0..group {
        let max = parts.iter().map(|part| part.max[head]).fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = parts.iter().map(|part| part.sum[head] * (part.max[head] - max).exp()).sum();
        let output = &mut output[head * value_dim..(head + 1) * value_dim];
        for part in parts {
            let share = (part.max[head] - max).exp() / total;
            let weighted = &part.weighted[head * value_dim..(head + 1) * value_dim];
            for (output, weighted) in output.iter_mut().zip(weighted) {
                *output += share * weighted;
            }
        }
    }
    output
}

/// Fills `part` from the keys in `span`, with the widest instructions that the processor has.
struct Block<'a> {
    /// Scaled, `[g, D]`.
    queries: &'a [f32],
    keys: &'a Rows<'a>,
    values: &'a Rows<'a>,
    soft_cap: Option<f32>,
    span: Range<usize>,
    part: &'a mut Part,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { queries, keys, values, soft_cap, span, part } = self;
        let mut scores = vec![0.0_f32; part.max.len() * BLOCK];
        for (number, key) in span.clone().enumerate() {
            let row = keys.row(key);
            for (head, query) in queries.chunks_exact(keys.width).enumerate() {
                scores[head * BLOCK + number] = dot(simd, query, row);
            }
        }
        for (head, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
            let scores = &mut scores[..span.len()];
            if let Some(cap) = soft_cap {
                for score in scores.iter_mut() {
                    *score = cap * (*score / cap).tanh();
                }
            }
            let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for score in scores.iter_mut() {
                *score = (*score - max).exp();
            }
            part.max[head] = max;
            part.sum[head] = scores.iter().sum();
        }
        for (number, key) in span.enumerate() {
            let row = values.row(key);
            for (head, weighted) in part.weighted.chunks_exact_mut(values.width).enumerate() {
                add_weighted(simd, scores[head * BLOCK + number], row, weighted);
            }
        }
    }
}

/// `a . b`.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    let mut sum = simd.splat_f32s(0.0);
    for (a, b) in a.iter().zip(b) {
        sum = simd.mul_add_f32s(*a, *b, sum);
    }
    simd.reduce_sum_f32s(sum) + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// `sum += weight * row`.
#[inline(always)]
fn add_weighted<S: Simd>(simd: S, weight: f32, row: &[f32], sum: &mut [f32]) {
    let ((row, row_rest), (sum, sum_rest)) = (S::as_simd_f32s(row), S::as_mut_simd_f32s(sum));
    let weights = simd.splat_f32s(weight);
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum = simd.mul_add_f32s(weights, *value, *sum);
    }
    for (sum, value) in sum_rest.iter_mut().zip(row_rest) {
        *sum += weight * value;
    }
}
