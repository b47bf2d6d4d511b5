//! What all query rows of a call give to each key.

use pulp::{Simd, WithSimd, bytemuck};
use sah_tensor::cpu::arch;
use tch::Tensor;

use super::readers::{BLOCK, Readers, blocks_of, widen};
use super::tile::{LOWEST, Tile, exponentiate, raise, vectors_mut};
use super::{TASKS_PER_THREAD, run_all, visible_ranges};
use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::cpu::rows::{WithRows, readable_queries, with_rows};
use crate::kernel::cpu::sinks::Sinks;
use crate::kernel::cpu::source::{Group, Source};
use crate::mask::RowRanges;
use sah_tensor::Lines;
use sah_tensor::element::F32;
use sah_tensor::torch::heads;

/// What is made of the weights that rows give to a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OverRows {
    Sum,
    Largest,
}

impl OverRows {
    fn with(self, one: f32, other: f32) -> f32 {
        match self {
            Self::Sum => one + other,
            Self::Largest => one.max(other),
        }
    }
}

/// The weights of each key over the rows of each query head, `[B H, K]` of `Float`. The inputs are readable. Each thread holds the
/// weights of the rows of one tile.
pub(crate) fn weights_over_rows(inputs: &AttentionInputs<'_>, over: OverRows) -> Result<Tensor> {
    with_rows(inputs, Weights { inputs, ranges: &visible_ranges(inputs)?, over })
}

struct Weights<'a> {
    inputs: &'a AttentionInputs<'a>,
    ranges: &'a RowRanges,
    over: OverRows,
}

impl WithRows for Weights<'_> {
    #[expect(unsafe_code, reason = "reads queries in place")]
    fn call<K: Source, V: Source>(self, keys: &[K], _: &[V]) -> Result<Tensor> {
        let Self { inputs, ranges, over } = self;
        let dims = *inputs.dims();
        let queries = readable_queries(inputs)?;
        // SAFETY: all that is written while the rows are in use is memory of this function.
        let queries = unsafe { heads::<F32>(&queries)? };
        let threads = tch::get_num_threads().max(1) as usize;
        // Parts of a head's rows, where there are more threads than heads.
        let height = dims.queries.div_ceil((threads * TASKS_PER_THREAD).div_ceil(queries.len()));
        let parts = |head: usize| (0..dims.queries).step_by(height).map(move |start| (head, start));
        let items: Vec<(usize, usize)> = (0..queries.len()).flat_map(parts).collect();
        let (arch, scale) = (arch(), inputs.scale() as f32);
        let soft_cap = inputs.soft_cap().map(|cap| cap as f32);
        let sinks = Sinks::of(inputs)?;
        let run = |&(head, start): &(usize, usize)| {
            let rows = start..dims.queries.min(start + height);
            let queries = &queries[head..=head];
            let readers = Readers { queries, scale, soft_cap, rows, ranges };
            let sinks: Vec<f32> =
                readers.rows.clone().map(|row| sinks.of_row(head % dims.heads, row)).collect();
            arch.dispatch(Task {
                readers,
                sinks: &sinks,
                keys: &keys[head / dims.group()],
                head_dim: dims.head_dim,
                over,
            })
        };
        let of_items = run_all(&items, threads, run);
        let mut weights = vec![0.0_f32; queries.len() * dims.keys];
        for ((head, _), of_item) in items.iter().zip(&of_items) {
            let of_head = &mut weights[head * dims.keys..(head + 1) * dims.keys];
            of_head.iter_mut().zip(of_item).for_each(|(weight, new)| *weight = over.with(*weight, *new));
        }
        let size = [queries.len() as i64, dims.keys as i64];
        Ok(Tensor::f_from_slice(&weights)?.f_view(size)?)
    }
}

/// Rows of one query head.
struct Task<'a, Keys: Source> {
    readers: Readers<'a>,
    /// Scores of the rows that belong to no key.
    sinks: &'a [f32],
    keys: &'a Keys,
    head_dim: usize,
    over: OverRows,
}

impl<Keys: Source> WithSimd for Task<'_, Keys> {
    /// `[K]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        match S::REGISTER_COUNT {
            32.. => self.run::<S, 3, 8>(simd),
            _ => self.run::<S, 2, 4>(simd),
        }
    }
}

impl<Keys: Source> Task<'_, Keys> {
    #[inline(always)]
    fn run<S: Simd, const V: usize, const R: usize>(&self, simd: S) -> Vec<f32> {
        let width = Tile::<S, V, R>::WIDTH;
        let blocks = blocks_of(self.readers.ranges, self.readers.rows.clone());
        let mut over_rows = vec![0.0; self.readers.ranges.keys()];
        let mut scores = Lines::zeros(blocks.len() * BLOCK * width);
        let mut gaps = Lines::zeros(2 * width);
        let mut keys = Lines::zeros(BLOCK * self.head_dim);
        let mut group = Group::default();
        for (rows, tile) in &self.readers.tiles::<S, V, R>(simd, (self.head_dim, 0)) {
            // The blocks that a row of the tile reads, and where their scores begin.
            let mut read = Vec::with_capacity(blocks.len());
            let (mut end, mut max) = (0, [simd.splat_f32s(LOWEST); V]);
            for span in &blocks {
                let keys = widen(self.keys, span, &mut group, &mut keys);
                let scores = &mut scores.as_mut_slice()[end..end + span.len() * width];
                if self.readers.score(simd, (rows, tile), (span, keys), &mut gaps, scores) {
                    raise(simd, &mut max, vectors_mut::<S, V>(scores));
                    read.push((span, end));
                    end += scores.len();
                }
            }
            let mut sum = [simd.splat_f32s(0.0); V];
            exponentiate(simd, &max, vectors_mut::<S, V>(&mut scores.as_mut_slice()[..end]), &mut sum);
            let factors = factors(simd, &max, sum, &self.sinks[rows.lanes.clone()]);
            for (span, start) in read {
                let scores = &mut scores.as_mut_slice()[start..start + span.len() * width];
                let weights = vectors_mut::<S, V>(scores);
                take(simd, self.over, weights, &factors, &mut over_rows[span.clone()]);
            }
        }
        over_rows
    }
}

/// What makes weights of the exponentials of each lane: `1 / (sum + exp(sink - max))`, and 0 where no row lies, after those with `sinks`.
#[inline(always)]
fn factors<S: Simd, const V: usize>(
    simd: S,
    max: &[S::f32s; V],
    sum: [S::f32s; V],
    sinks: &[f32],
) -> [S::f32s; V] {
    let mut factors = [simd.splat_f32s(0.0); V];
    let (max, sums): (&[f32], &[f32]) = (bytemuck::cast_slice(max), bytemuck::cast_slice(&sum));
    let of_rows: &mut [f32] = bytemuck::cast_slice_mut(&mut factors);
    for (factor, ((sum, max), sink)) in of_rows.iter_mut().zip(sums.iter().zip(max).zip(sinks)) {
        *factor = 1.0 / (sum + (sink - max).exp());
    }
    factors
}

/// Takes the weights of each key, `[count][V]` before their `factors`, into what is known of other rows, `[count]`.
#[inline(always)]
fn take<S: Simd, const V: usize>(
    simd: S,
    over: OverRows,
    weights: &[[S::f32s; V]],
    factors: &[S::f32s; V],
    over_rows: &mut [f32],
) {
    match over {
        OverRows::Sum => {
            for (sum, weights) in over_rows.iter_mut().zip(weights) {
                let mut lanes = simd.splat_f32s(0.0);
                for (weight, factor) in weights.iter().zip(factors) {
                    lanes = simd.mul_add_f32s(*weight, *factor, lanes);
                }
                *sum += simd.reduce_sum_f32s(lanes);
            }
        }
        OverRows::Largest => {
            for (largest, weights) in over_rows.iter_mut().zip(weights) {
                let mut lanes = simd.splat_f32s(0.0);
                for (weight, factor) in weights.iter().zip(factors) {
                    lanes = simd.max_f32s(lanes, simd.mul_f32s(*weight, *factor));
                }
                *largest = largest.max(simd.reduce_max_f32s(lanes));
            }
        }
    }
}
