//! Which keys of a context stay, once it is read.

use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput, Retention};
use tch::Tensor;

use crate::Error;
use crate::cache::{Entries, KvCache};

/// The last queries of a context in each layer, and what the layer does to scores: what a retention looks at beside the cache.
#[derive(Debug)]
pub(super) struct LastQueries {
    /// How many of each layer.
    rows: usize,
    layers: Vec<LayerQueries>,
}

#[derive(Debug)]
struct LayerQueries {
    /// `[1, H, w, D]`.
    queries: Tensor,
    scale: f64,
    soft_cap: Option<f64>,
    window: Option<usize>,
}

impl LastQueries {
    /// None yet, and the last `rows` of those to come.
    pub(super) fn new(rows: usize) -> Self {
        Self { rows, layers: Vec::new() }
    }

    /// Whether they are enough for `retention`.
    pub(super) fn suffice(&self, retention: &Retention) -> bool {
        self.rows >= retention.queries()
    }

    /// The keys of `cache`, which holds the whole context, that stay of each layer and KV head.
    ///
    /// A layer with a sliding window that the context is longer than keeps them all: it reads no others than those of its window.
    pub(super) fn keep(
        &self,
        cache: &KvCache,
        retention: &Retention,
        seed: u64,
    ) -> Result<Vec<Vec<Vec<usize>>>, Error> {
        let mut scores = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            let entries = cache.entries(number, 0)?;
            let [Entries { keys, values, .. }] = entries.as_slice() else {
                unreachable!("a context that was just read has all its entries")
            };
            let rows = (retention.queries() as i64).min(layer.queries.size()[2]);
            let queries = layer.queries.f_narrow(2, layer.queries.size()[2] - rows, rows)?;
            let inputs = AttentionInputs::new(&queries, keys, values, layer.scale)?;
            scores.push(retention.scores(&inputs.with_soft_cap(layer.soft_cap)?, number, seed)?);
        }
        let mut kept = retention.keep(&scores)?;
        for (layer, kept) in self.layers.iter().zip(&mut kept) {
            if layer.window.is_some_and(|window| window < cache.length()) {
                kept.fill((0..cache.length()).collect());
            }
        }
        Ok(kept)
    }
}

impl AttentionObserver for LastQueries {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        _: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let last = |queries: &Tensor, rows: usize| {
            let count = queries.size()[2];
            let rows = count.min(rows as i64);
            queries.f_narrow(2, count - rows, rows)
        };
        let new = last(inputs.queries(), self.rows)?;
        let missing = self.rows - new.size()[2] as usize;
        let earlier = self.layers.get(layer).map(|layer| last(&layer.queries, missing)).transpose()?;
        // A copy: the other queries are not needed any more.
        let queries = Tensor::f_cat(&earlier.iter().chain([&new]).collect::<Vec<_>>(), 2)?;
        let (scale, soft_cap, window) = (inputs.scale(), inputs.soft_cap(), inputs.window());
        let layer_queries = LayerQueries { queries, scale, soft_cap, window };
        match self.layers.get_mut(layer) {
            Some(of_layer) => *of_layer = layer_queries,
            None => self.layers.push(layer_queries),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sah_attention::AttentionPolicy;
    use tch::{Device, Kind, Tensor};

    use super::LastQueries;
    use sah_attention::AttentionInputs;

    #[test]
    fn the_last_queries_are_kept_over_chunks() {
        let mut last = LastQueries::new(5);
        let mut read = 0;
        for rows in [2, 1, 8, 3] {
            for layer in 0..2 {
                let queries = Tensor::arange_start(read, read + rows, (Kind::Float, Device::Cpu));
                let queries = queries.view([1, 1, rows, 1]) + 100.0 * f64::from(layer);
                let keys = Tensor::zeros([1, 1, read + rows, 1], (Kind::Float, Device::Cpu));
                let inputs = AttentionInputs::new(&queries, &keys, &keys, 0.5).unwrap();
                AttentionPolicy::dense().observed(&mut last).attend(layer as usize, &inputs).unwrap();
            }
            read += rows;
            let kept = |layer: usize| -> Vec<f32> {
                Vec::try_from(last.layers[layer].queries.reshape([-1])).unwrap()
            };
            let expected: Vec<f32> = ((read - 5).max(0)..read).map(|query| query as f32).collect();
            assert_eq!(kept(0), expected);
            assert_eq!(kept(1), expected.iter().map(|query| query + 100.0).collect::<Vec<_>>());
        }
    }
}
