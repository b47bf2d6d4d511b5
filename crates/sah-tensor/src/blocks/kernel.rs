//! The loops over packed blocks.

use std::marker::PhantomData;

use pulp::{Scalar, Simd, WithSimd};

use super::format::{Block, Format};
use crate::product::PANEL;

/// Rows of inputs, as the product reads them: column by column, `N` values each, padded with zeros to whole blocks.
pub(super) struct Inputs<const N: usize> {
    values: Vec<[f32; N]>,
    /// The sums of each group of columns, for the offsets.
    sums: Vec<[f32; N]>,
}

impl<const N: usize> Inputs<N> {
    /// Of `x`, up to `N` rows of `columns` values.
    pub(super) fn new<F: Format>(x: &[f32], columns: usize) -> Self {
        let mut values = vec![[0.0; N]; columns.next_multiple_of(F::LEN)];
        for (row, x) in x.chunks_exact(columns).enumerate() {
            for (values, x) in values.iter_mut().zip(x) {
                values[row] = *x;
            }
        }
        let sum = |group: &[[f32; N]]| std::array::from_fn(|row| group.iter().map(|value| value[row]).sum());
        let sums = if F::OFFSET { values.chunks_exact(F::GROUP).map(sum).collect() } else { vec![] };
        Self { values, sums }
    }
}

/// Products of some panels with all rows of inputs.
pub(super) struct Multiply<'a, 'b, F, const N: usize> {
    /// Of whole panels.
    pub(super) words: &'a [u32],
    /// Blocks of a row.
    pub(super) blocks: usize,
    pub(super) inputs: &'a Inputs<N>,
    /// For each row of inputs, the outputs of these panels; the last panel may have fewer than 16.
    pub(super) outputs: &'a mut [&'b mut [f32]],
    pub(super) format: PhantomData<F>,
}

impl<F: Format, const N: usize> WithSimd for Multiply<'_, '_, F, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = PANEL / S::U32_LANES;
        let panels = self.words.chunks_exact(self.blocks * F::WORDS * PANEL);
        for (number, panel) in panels.enumerate() {
            let (vectors, _) = S::as_simd_u32s(panel);
            let mut results = [[0.0; PANEL]; N];
            for lane in 0..stride {
                let totals = rows::<S, F, N>(simd, &vectors[lane..], stride, self.inputs);
                for (results, total) in results.iter_mut().zip(totals) {
                    S::as_mut_simd_f32s(results).0[lane] = total;
                }
            }
            for (outputs, results) in self.outputs.iter_mut().zip(&results) {
                let from = PANEL * number;
                let count = PANEL.min(outputs.len() - from);
                outputs[from..from + count].copy_from_slice(&results[..count]);
            }
        }
    }
}

/// The products of as many rows of weights as a vector has lanes.
#[inline(always)]
fn rows<S: Simd, F: Format, const N: usize>(
    simd: S,
    vectors: &[S::u32s],
    stride: usize,
    inputs: &Inputs<N>,
) -> [S::f32s; N] {
    // A fused multiply-add takes four steps to be ready: with few rows of inputs there are several sums of each.
    let ways = (4 / N).max(1);
    let zero = simd.splat_f32s(0.0);
    let mut totals = [zero; N];
    let groups = F::LEN / F::GROUP;
    for (number, values) in inputs.values.chunks_exact(F::LEN).enumerate() {
        let block = Block { words: &vectors[number * F::WORDS * stride..], stride };
        for (group, values) in values.chunks_exact(F::GROUP).enumerate() {
            let mut sums = [[zero; 4]; N];
            for (step, values) in values.as_chunks::<8>().0.iter().enumerate() {
                let quants = F::eight(simd, block, group * (F::GROUP / 8) + step);
                for (column, (quant, values)) in quants.iter().zip(values).enumerate() {
                    for (sums, value) in sums.iter_mut().zip(values) {
                        let sum = &mut sums[column % ways];
                        *sum = simd.mul_add_f32s(*quant, simd.splat_f32s(*value), *sum);
                    }
                }
            }
            let scale = F::scale(simd, block, group);
            for (total, [a, b, c, d]) in totals.iter_mut().zip(sums) {
                let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
                *total = simd.mul_add_f32s(scale, sum, *total);
            }
            if F::OFFSET {
                let offset = F::offset(simd, block, group);
                for (total, sum) in totals.iter_mut().zip(&inputs.sums[number * groups + group]) {
                    *total = simd.mul_add_f32s(offset, simd.splat_f32s(*sum), *total);
                }
            }
        }
    }
    totals
}

/// Hands the values of a block to `put`, column by column.
#[inline(always)]
fn values<S: Simd, F: Format>(simd: S, block: Block<'_, S>, mut put: impl FnMut(usize, S::f32s)) {
    for group in 0..F::LEN / F::GROUP {
        let (scale, offset) = (F::scale(simd, block, group), F::offset(simd, block, group));
        for step in 0..F::GROUP / 8 {
            let index = group * (F::GROUP / 8) + step;
            for (column, quant) in F::eight(simd, block, index).iter().enumerate() {
                // Two roundings, as where all weights are expanded.
                let value = simd.mul_f32s(scale, *quant);
                put(8 * index + column, if F::OFFSET { simd.add_f32s(value, offset) } else { value });
            }
        }
    }
}

/// The values of a panel, row by row.
pub(super) struct Expand<'a, F> {
    /// Of one panel.
    pub(super) words: &'a [u32],
    pub(super) columns: usize,
    /// `[up to 16, columns]`.
    pub(super) output: &'a mut [f32],
    pub(super) format: PhantomData<F>,
}

impl<F: Format> WithSimd for Expand<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = PANEL / S::U32_LANES;
        let (vectors, _) = S::as_simd_u32s(self.words);
        // A block of all rows, `[LEN, 16]`; the longest block has 256 columns.
        let mut tile = [[0.0; PANEL]; 256];
        for (number, first) in (0..self.columns).step_by(F::LEN).enumerate() {
            for lane in 0..stride {
                let words = &vectors[number * F::WORDS * stride + lane..];
                values::<S, F>(
                    simd,
                    Block { words, stride },
                    #[inline(always)]
                    |column, values| S::as_mut_simd_f32s(&mut tile[column]).0[lane] = values,
                );
            }
            let count = F::LEN.min(self.columns - first);
            for (row, output) in self.output.chunks_exact_mut(self.columns).enumerate() {
                for (output, column) in output[first..first + count].iter_mut().zip(&tile) {
                    *output = column[row];
                }
            }
        }
    }
}

/// The values of whole blocks of a panel, column by column.
pub(super) struct ExpandColumns<'a, F> {
    /// Of these blocks.
    pub(super) words: &'a [u32],
    /// `[columns, 16]`; the last block may have fewer columns than there are values.
    pub(super) values: &'a mut [f32],
    pub(super) format: PhantomData<F>,
}

impl<F: Format> WithSimd for ExpandColumns<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = PANEL / S::U32_LANES;
        let blocks = S::as_simd_u32s(self.words).0.chunks_exact(F::WORDS * stride);
        for (block, columns) in blocks.zip(self.values.as_chunks_mut::<PANEL>().0.chunks_mut(F::LEN)) {
            for lane in 0..stride {
                values::<S, F>(
                    simd,
                    Block { words: &block[lane..], stride },
                    #[inline(always)]
                    |column, values| {
                        if let Some(column) = columns.get_mut(column) {
                            S::as_mut_simd_f32s(column).0[lane] = values;
                        }
                    },
                );
            }
        }
    }
}

/// The values of row `row` of a panel.
pub(super) fn expand_row<F: Format>(panel: &[u32], row: usize, output: &mut [f32]) {
    let words: Vec<u32> = panel.iter().skip(row).step_by(PANEL).copied().collect();
    for (words, output) in words.chunks_exact(F::WORDS).zip(output.chunks_mut(F::LEN)) {
        values::<Scalar, F>(Scalar::new(), Block { words, stride: 1 }, |column, value| {
            if let Some(output) = output.get_mut(column) {
                *output = value;
            }
        });
    }
}
