//! Whose keys the rows of a forward pass read: one sequence's, or each row its own.

use sah_attention::{
    AttentionInputs, AttentionPolicy, Density, EvictedKeys, Kernel, KvRows, Reads, RowRanges,
};
use tch::Tensor;

use super::dims::HeadDims;
use crate::Error;
use crate::cache::{Batch, KvCache};

/// What a layer's attention needs to know of the sequences.
pub(super) trait Attend {
    /// Appends the keys and values, and attends from the queries. Gives `[1, H, Q, D]`.
    fn attend(&mut self, layer: usize, scores: Scores, heads: &Heads) -> Result<Tensor, Error>;
}

/// What a layer makes of the rows.
#[derive(Debug)]
pub(super) struct Heads {
    /// `[1, H, Q, D]`.
    pub(super) queries: Tensor,
    /// `[1, Hkv, Q, D]`.
    pub(super) keys: Tensor,
    /// `[1, Hkv, Q, D]`.
    pub(super) values: Tensor,
}

/// What a layer does to its scores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scores {
    /// Their factor.
    pub(super) scale: f64,
    /// How many keys a row reads, its own included; `None` for all before it.
    pub(super) window: Option<usize>,
    /// Their bound: `cap * tanh(s / cap)`.
    pub(super) soft_cap: Option<f64>,
}

impl Scores {
    /// Scaled by `1 / sqrt(D)`, within `window`.
    pub(super) fn of_heads(heads: HeadDims, window: Option<usize>) -> Self {
        Self { scale: 1.0 / (heads.dim as f64).sqrt(), window, soft_cap: None }
    }

    fn inputs<'a>(
        self,
        queries: &'a Tensor,
        keys: &'a KvRows,
        values: &'a KvRows,
        evicted: Option<EvictedKeys>,
    ) -> Result<AttentionInputs<'a>, Error> {
        Ok(AttentionInputs::new(queries, keys, values, self.scale)?
            .with_window(self.window)?
            .with_soft_cap(self.soft_cap)?
            .with_evicted(evicted)?)
    }
}

/// All rows continue one sequence, one after another.
#[derive(Debug)]
pub(super) struct OneSequence<'a, 'p> {
    pub(super) cache: &'a mut KvCache,
    pub(super) attention: &'a mut AttentionPolicy<'p>,
    /// Densities of the layers so far.
    pub(super) densities: Vec<Density>,
}

/// Each row continues a sequence of its own.
#[derive(Debug)]
pub(super) struct BatchRows<'a, 'p, 'c> {
    pub(super) batch: &'a mut Batch<'c>,
    /// The sequence of each row.
    pub(super) numbers: &'a [usize],
    /// The attention of each row; where all are dense, a common prefix is read once for all.
    pub(super) attentions: &'a mut [AttentionPolicy<'p>],
    /// Densities of the layers so far, for each row; none where all rows are dense.
    pub(super) densities: Vec<Vec<Density>>,
}

impl Attend for OneSequence<'_, '_> {
    fn attend(&mut self, layer: usize, scores: Scores, heads: &Heads) -> Result<Tensor, Error> {
        let (keys, values) = self.cache.append(layer, &heads.keys, &heads.values)?;
        let inputs = scores.inputs(&heads.queries, &keys, &values, self.cache.evicted())?;
        let attended = self.attention.attend(layer, &inputs)?;
        self.densities.push(attended.density);
        Ok(attended.output)
    }
}

impl Attend for BatchRows<'_, '_, '_> {
    fn attend(&mut self, layer: usize, scores: Scores, heads: &Heads) -> Result<Tensor, Error> {
        for (row, &number) in self.numbers.iter().enumerate() {
            let of_row = |tensor: &Tensor| tensor.f_narrow(2, row as i64, 1);
            self.batch.append(layer, number, &of_row(&heads.keys)?, &of_row(&heads.values)?)?;
        }
        if let Batch::Slots(cache) = &*self.batch
            && let Some(AttentionPolicy::Dense { kernel }) = self.attentions.first()
            && self.attentions.iter().all(|attention| matches!(attention, AttentionPolicy::Dense { .. }))
        {
            return attend_slots(*kernel, cache, layer, self.numbers, scores, &heads.queries);
        }
        self.attend_one_by_one(layer, scores, &heads.queries)
    }
}

/// Dense attention of one row of each slot in `numbers`, in a single call that reads the shared prefix once.
fn attend_slots(
    kernel: &dyn Kernel,
    cache: &KvCache,
    layer: usize,
    numbers: &[usize],
    scores: Scores,
    queries: &Tensor,
) -> Result<Tensor, Error> {
    let (keys, values) = cache.arena(layer);
    let ranges = numbers.iter().map(|&slot| cache.slot_ranges(slot, scores.window));
    let ranges = RowRanges::from_rows(keys.keys(), ranges)?;
    Ok(kernel.attend(&scores.inputs(queries, keys, values, None)?, Reads::Ranges(&ranges))?)
}

impl BatchRows<'_, '_, '_> {
    /// Attends from each row to its own sequence, with its own attention.
    fn attend_one_by_one(&mut self, layer: usize, scores: Scores, queries: &Tensor) -> Result<Tensor, Error> {
        let mut outputs = Vec::with_capacity(self.numbers.len());
        let rows = self.attentions.iter_mut().zip(&mut self.densities);
        for (row, (&number, (attention, densities))) in self.numbers.iter().zip(rows).enumerate() {
            let (keys, values) = self.batch.entries(layer, number)?;
            let query = queries.f_narrow(2, row as i64, 1)?;
            let inputs = scores.inputs(&query, &keys, &values, self.batch.evicted(number))?;
            let attended = attention.attend(layer, &inputs)?;
            densities.push(attended.density);
            outputs.push(attended.output);
        }
        Ok(Tensor::f_cat(&outputs, 2)?)
    }
}
