//! Keys that go while an answer grows.

use std::collections::VecDeque;

use sah_attention::retention::{ContextLayer, LayerScores, sums_of_weights};
use sah_attention::{
    AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy, RequestState, Retention,
};
use tch::Tensor;

use super::observed::{LayerScaling, Observed};
use crate::Error;
use crate::cache::{Entries, KvCache};

/// Drops keys of a sequence after every so many new tokens.
#[derive(Debug)]
pub(super) struct Growing<'a> {
    retention: &'a Retention,
    /// New tokens after which keys go.
    every: usize,
    /// New tokens since they went last.
    new: usize,
    layers: Vec<GrowingLayer>,
    seed: u64,
    /// The share of all tokens' keys that was left last, and the most bytes that were.
    pub(super) left: Option<(f64, usize)>,
}

#[derive(Debug)]
struct GrowingLayer {
    scaling: LayerScaling,
    /// Of the last tokens, `[1, H, 1, D]` each, the newest last.
    queries: VecDeque<Tensor>,
    /// Those of the call at work, `[1, h, Q, D]`: heads that keep different keys come one after another.
    call: Option<Tensor>,
    /// Tokens since keys went last.
    fresh: usize,
    /// Sums of weights of the keys of each KV head, `[g, n]`, up to when keys went last.
    sums: Vec<Option<Tensor>>,
}

impl<'a> Growing<'a> {
    /// After a context was `observed`, of which `kept` is left; `None` where keys go once.
    pub(super) fn new(
        retention: &'a Retention,
        observed: &Observed,
        kept: &[Vec<Vec<usize>>],
        seed: u64,
    ) -> Result<Option<Self>, Error> {
        let Some(every) = retention.every() else { return Ok(None) };
        let layer = |(number, kept): (usize, &Vec<Vec<usize>>)| {
            let of_head = |(head, keys): (usize, &Vec<usize>)| match observed.weights(number) {
                None => Ok(None),
                Some(sums) => {
                    let group = sums.size()[0] / kept.len() as i64;
                    Ok(Some(selected(&sums.f_narrow(0, head as i64 * group, group)?, keys)?))
                }
            };
            let sums = kept.iter().enumerate().map(of_head).collect::<Result<_, Error>>()?;
            let (scaling, queries) = (observed.scaling(number).shallow_clone(), VecDeque::new());
            Ok(GrowingLayer { scaling, queries, call: None, fresh: 0, sums })
        };
        let layers = kept.iter().enumerate().map(layer).collect::<Result<_, Error>>()?;
        Ok(Some(Self { retention, every, new: 0, layers, seed, left: None }))
    }

    /// After a step that appended a token to `cache`: drops keys where it is time. What maskers know of them is forgotten.
    pub(super) fn after_step(
        &mut self,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<(), Error> {
        self.new += 1;
        if self.new < self.every {
            return Ok(());
        }
        let _span = tracing::debug_span!("shrink", tokens = cache.length()).entered();
        let mut kept = Vec::with_capacity(self.layers.len());
        let needs = self.retention.needs();
        for number in 0..self.layers.len() {
            self.layers[number].end_call()?;
            kept.push(self.keep(number, cache)?);
            self.layers[number].forget(needs.queries);
        }
        cache.shrink(&kept, self.every)?;
        let bytes = self.left.map_or(0, |(_, bytes)| bytes).max(cache.stored_bytes()?);
        self.left = Some((cache.kept_share(), bytes));
        if let AttentionPolicy::Sparse { state, .. } = attention {
            **state = RequestState::new(state.seed());
        }
        self.new = 0;
        Ok(())
    }

    /// The numbers of the keys that stay of each KV head of a layer; a layer with a sliding window that is shorter than the sequence keeps
    /// all of them.
    fn keep(&mut self, number: usize, cache: &KvCache) -> Result<Vec<Vec<usize>>, Error> {
        let entries = cache.entries(number, 0)?;
        let slides = self.layers[number].scaling.window.is_some_and(|window| window < cache.length());
        if slides {
            let all = |part: &Entries<'_>| vec![(0..part.keys.keys()).collect(); part.heads.len()];
            return Ok(entries.iter().flat_map(all).collect());
        }
        let mut kept = Vec::new();
        for part in &entries {
            let (scores, sums) = self.scores(number, part)?;
            let [of_part] = &self.retention.keep(&[scores])?[..] else { unreachable!("one layer was given") };
            for ((head, kept), sums) in part.heads.clone().zip(of_part).zip(sums) {
                self.layers[number].sums[head] = sums.map(|sums| selected(&sums, kept)).transpose()?;
            }
            kept.extend(of_part.iter().cloned());
        }
        Ok(kept)
    }

    /// The scores of the keys of some heads, and the sums of weights of each, where these are needed.
    fn scores(&self, number: usize, part: &Entries<'_>) -> Result<(LayerScores, Vec<Option<Tensor>>), Error> {
        let layer = &self.layers[number];
        let heads = part.heads.len() as i64;
        let all = Tensor::f_cat(&layer.queries.iter().collect::<Vec<_>>(), 2)?;
        let group = all.size()[1] / layer.sums.len() as i64;
        let (first, count) = (part.heads.start as i64 * group, heads * group);
        let own = all.f_narrow(1, first, count)?;
        let scaling = layer.scaling.of_heads(first, count)?;
        let rows = (&part.keys, &part.values);
        let last = |count: usize| -> Result<Tensor, Error> {
            let count = (count as i64).min(own.size()[2]);
            Ok(own.f_narrow(2, own.size()[2] - count, count)?)
        };
        let needs = self.retention.needs();
        let mut sums = Vec::new();
        let mut together = None;
        if needs.weights {
            let new = last(layer.fresh)?;
            let new = sums_of_weights(&scaling.inputs(&new, rows)?)?;
            let n = new.size()[1];
            for (at, head) in part.heads.clone().enumerate() {
                let new = new.f_narrow(0, at as i64 * group, group)?;
                sums.push(Some(match &layer.sums[head] {
                    None => new,
                    Some(before) => {
                        new.f_add(&before.f_pad([0, n - before.size()[1]], "constant", 0.0)?)?
                    }
                }));
            }
            together = Some(Tensor::f_cat(&sums.iter().flatten().collect::<Vec<_>>(), 0)?);
        } else {
            sums.resize_with(part.heads.len(), || None);
        }
        let queries = last(needs.queries)?;
        let context = ContextLayer::new(scaling.inputs(&queries, rows)?)
            .of_layer(number, self.seed)
            .with_weights(together.as_ref());
        Ok((self.retention.scores(&context)?, sums))
    }

    /// Keeps the queries, `[1, h, Q, D]`, of all heads of a call, or of those that come next.
    fn see(&mut self, layer: usize, queries: &Tensor, is_first: bool) -> sah_attention::Result<()> {
        let needs = self.retention.needs();
        let Some(layer) = self.layers.get_mut(layer) else { return Ok(()) };
        match &layer.call {
            Some(call) if !is_first => layer.call = Some(Tensor::f_cat(&[call, queries], 1)?),
            _ => {
                layer.end_call()?;
                if !needs.weights {
                    layer.forget(needs.queries);
                }
                layer.call = Some(queries.copy());
            }
        }
        Ok(())
    }
}

impl GrowingLayer {
    /// Puts the queries of the call at work to the others.
    fn end_call(&mut self) -> sah_attention::Result<()> {
        let Some(call) = self.call.take() else { return Ok(()) };
        for row in 0..call.size()[2] {
            self.queries.push_back(call.f_narrow(2, row, 1)?);
            self.fresh += 1;
        }
        Ok(())
    }

    /// All but the last `count` queries.
    fn forget(&mut self, count: usize) {
        let gone = self.queries.len().saturating_sub(count);
        self.queries.drain(..gone);
        self.fresh = 0;
    }
}

impl AttentionObserver for Growing<'_> {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        _: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        self.see(layer, inputs.queries(), inputs.layer_heads().first == 0)
    }

    fn attended_densely(&mut self, layer: usize, queries: &Tensor) -> sah_attention::Result<()> {
        self.see(layer, queries, true)
    }
}

/// Columns `keys` of `[g, n]`.
fn selected(sums: &Tensor, keys: &[usize]) -> Result<Tensor, Error> {
    let keys: Vec<i64> = keys.iter().map(|&key| key as i64).collect();
    Ok(sums.f_index_select(1, &Tensor::f_from_slice(&keys)?.f_to_device(sums.device())?)?)
}
