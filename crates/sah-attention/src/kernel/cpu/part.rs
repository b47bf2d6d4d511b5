//! Attention over some of the keys, and how parts are joined.

use pulp::Simd;

use sah_tensor::exp::exponentiate;

/// What some of the keys give for some query rows (Milakov and Gimelshein 2018, arXiv 1805.02867).
pub(super) struct Part {
    /// Largest score, `[R]`.
    pub(super) max: Vec<f32>,
    /// Sum of `exp(score - max)`, `[R]`.
    pub(super) sum: Vec<f32>,
    /// Values weighted by `exp(score - max)`, `[R, Dv]`.
    pub(super) weighted: Vec<f32>,
}

impl Part {
    /// Nothing yet.
    pub(super) fn new(rows: usize, value_dim: usize) -> Self {
        Self {
            max: vec![f32::NEG_INFINITY; rows],
            sum: vec![0.0; rows],
            weighted: vec![0.0; rows * value_dim],
        }
    }

    /// Turns the scores of a block into weights, after making room for them: what is there is scaled to the new maximum.
    #[inline(always)]
    pub(super) fn weigh<S: Simd>(&mut self, simd: S, row: usize, scores: &mut [f32]) {
        let max = largest(simd, scores).max(self.max[row]);
        if max > self.max[row] {
            let value_dim = self.weighted.len() / self.max.len();
            let factor = (self.max[row] - max).exp();
            self.sum[row] *= factor;
            for sum in &mut self.weighted[row * value_dim..(row + 1) * value_dim] {
                *sum *= factor;
            }
            self.max[row] = max;
        }
        self.sum[row] += exponentiate(simd, scores, max);
    }

    /// Row `row` of parts over different keys as attention over all of them and a score that belongs to none, `sink`: `[Dv]`.
    pub(super) fn join(parts: &[Self], row: usize, sink: f32, output: &mut [f32]) {
        let max = parts.iter().map(|part| part.max[row]).fold(sink, f32::max);
        let share = |part: &Self| (part.max[row] - max).exp();
        let total = parts.iter().map(|part| part.sum[row] * share(part)).sum::<f32>() + (sink - max).exp();
        output.fill(0.0);
        for part in parts {
            let share = share(part) / total;
            let weighted = &part.weighted[row * output.len()..(row + 1) * output.len()];
            for (output, weighted) in output.iter_mut().zip(weighted) {
                *output += share * weighted;
            }
        }
    }
}

/// The largest of `scores`; minus infinity where there are none.
#[inline(always)]
fn largest<S: Simd>(simd: S, scores: &[f32]) -> f32 {
    let (vectors, rest) = S::as_simd_f32s(scores);
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for vector in vectors {
        largest = simd.max_f32s(largest, *vector);
    }
    rest.iter().copied().fold(simd.reduce_max_f32s(largest), f32::max)
}
