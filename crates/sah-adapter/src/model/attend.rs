//! Whose keys the rows of a forward pass read: one sequence's, or each row its own.

use sah_attention::{AttentionInputs, AttentionPolicy, RowRanges, attend_ranges};
use tch::Tensor;

use super::attention::Scores;
use crate::Error;
use crate::cache::KvCache;

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

/// All rows follow one another in one sequence.
#[derive(Debug)]
pub(super) struct OneSequence<'a, 'p> {
    pub(super) cache: &'a mut KvCache,
    pub(super) attention: &'a mut AttentionPolicy<'p>,
    /// Densities of the layers so far.
    pub(super) density: f64,
}

/// Each row follows a tail of the cache.
#[derive(Debug)]
pub(super) struct EachItsOwn<'a, 'p> {
    pub(super) cache: &'a mut KvCache,
    /// The tail of each row.
    pub(super) tails: &'a [usize],
    /// The attention of each row; where all are dense, the prefix is read once for all.
    pub(super) attentions: &'a mut [AttentionPolicy<'p>],
    /// Densities of the layers so far, for each row.
    pub(super) densities: Vec<f64>,
}

impl Scores {
    fn inputs<'a>(
        self,
        queries: &'a Tensor,
        keys: &'a Tensor,
        values: &'a Tensor,
    ) -> Result<AttentionInputs<'a>, Error> {
        Ok(AttentionInputs::new(queries, keys, values, self.scale)?
            .with_window(self.window)?
            .with_soft_cap(self.soft_cap)?)
    }
}

impl Attend for OneSequence<'_, '_> {
    fn attend(&mut self, layer: usize, scores: Scores, heads: &Heads) -> Result<Tensor, Error> {
        let (keys, values) = self.cache.append(layer, &heads.keys, &heads.values)?;
        let attended = self.attention.attend(layer, &scores.inputs(&heads.queries, &keys, &values)?)?;
        self.density += attended.density;
        Ok(attended.output)
    }
}

impl Attend for EachItsOwn<'_, '_> {
    fn attend(&mut self, layer: usize, scores: Scores, heads: &Heads) -> Result<Tensor, Error> {
        self.cache.append_each(layer, self.tails, &heads.keys, &heads.values)?;
        if self.attentions.iter().all(|attention| matches!(attention, AttentionPolicy::Dense)) {
            let (keys, values) = self.cache.whole(layer);
            let places = self.tails.iter().map(|&tail| self.cache.places(tail, scores.window));
            let places = RowRanges::from_rows(keys.size()[2] as usize, places)?;
            self.densities.iter_mut().for_each(|density| *density += 1.0);
            return Ok(attend_ranges(&scores.inputs(&heads.queries, keys, values)?, &places)?);
        }
        let mut outputs = Vec::with_capacity(self.tails.len());
        let rows = self.attentions.iter_mut().zip(&mut self.densities);
        for (row, (&tail, (attention, density))) in self.tails.iter().zip(rows).enumerate() {
            let (keys, values) = self.cache.bring_back(layer, tail)?;
            let query = heads.queries.f_narrow(2, row as i64, 1)?;
            let attended = attention.attend(layer, &scores.inputs(&query, &keys, &values)?)?;
            *density += attended.density;
            outputs.push(attended.output);
        }
        Ok(Tensor::f_cat(&outputs, 2)?)
    }
}
