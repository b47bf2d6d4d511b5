//! What a retention looks at, seen while a context is read.

use sah_attention::retention::{ContextLayer, LayerScores, Moments, Needs, Repetition, sums_of_weights};
use sah_attention::{
    AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy, KvRows, Retention,
};
use tch::Tensor;

use super::keeping::LayersWithKeys;
use crate::Error;
use crate::cache::{Entries, KvCache, LayerShape};
use crate::model::{CausalLm, NewTokens};

/// What was seen of each layer while a context was read, as far as retentions [need](Needs) it.
#[derive(Debug)]
pub(crate) struct Observed {
    needs: Needs,
    /// Tokens of the prompt that the context is part of; see [`NewTokens`].
    pub(super) prompt: usize,
    layers: Vec<ObservedLayer>,
    /// What was seen while the context was repeated, `[Hkv, n]` for each layer, and how it was.
    pub(super) repeated: Option<(Repetition, Vec<Tensor>)>,
}

#[derive(Debug)]
struct ObservedLayer {
    /// The last ones, `[1, H, w, D]`.
    queries: Tensor,
    moments: Option<Moments>,
    /// Sums of weights, `[H, n]`.
    weights: Option<Tensor>,
    scaling: LayerScaling,
}

/// What a layer does to scores.
#[derive(Debug)]
pub(super) struct LayerScaling {
    pub(super) scale: f64,
    pub(super) soft_cap: Option<f64>,
    pub(super) window: Option<usize>,
    /// `[H, 1]`.
    pub(super) sinks: Option<Tensor>,
}

impl LayerScaling {
    fn of(inputs: &AttentionInputs<'_>) -> Self {
        Self {
            scale: inputs.scale(),
            soft_cap: inputs.soft_cap(),
            window: inputs.window(),
            sinks: inputs.sink_scores().map(Tensor::shallow_clone),
        }
    }

    /// Attention from `queries` in the layer, but for its window.
    pub(super) fn inputs<'a>(
        &'a self,
        queries: &'a Tensor,
        (keys, values): (&'a KvRows, &'a KvRows),
    ) -> sah_attention::Result<AttentionInputs<'a>> {
        let inputs = AttentionInputs::new(queries, keys, values, self.scale)?;
        inputs.with_soft_cap(self.soft_cap)?.with_sink_scores(self.sinks.as_ref())
    }

    /// That of `count` of the layer's query heads, from `first` on.
    pub(super) fn of_heads(&self, first: i64, count: i64) -> Result<Self, Error> {
        let sinks = self.sinks.as_ref().map(|sinks| sinks.f_narrow(0, first, count)).transpose()?;
        Ok(Self { sinks, ..*self })
    }

    pub(super) fn shallow_clone(&self) -> Self {
        Self { sinks: self.sinks.as_ref().map(Tensor::shallow_clone), ..*self }
    }
}

impl Observed {
    /// Nothing yet, of a context that is part of a prompt of `prompt` tokens.
    pub(crate) fn new(needs: Needs, prompt: usize) -> Self {
        Self { needs, prompt, layers: Vec::new(), repeated: None }
    }

    /// What it was to be enough for.
    pub(super) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Sums of the weights of a layer's keys, `[H, n]`, where they were needed.
    pub(super) fn weights(&self, layer: usize) -> Option<&Tensor> {
        self.layers[layer].weights.as_ref()
    }

    /// What a layer does to scores.
    pub(super) fn scaling(&self, layer: usize) -> &LayerScaling {
        &self.layers[layer].scaling
    }

    /// The same once more, for a question that is read after the context. What was repeated is not the context with a question.
    pub(super) fn fork(&self) -> Self {
        let fork = |layer: &ObservedLayer| ObservedLayer {
            queries: layer.queries.shallow_clone(),
            moments: layer.moments.as_ref().map(Moments::fork),
            weights: layer.weights.as_ref().map(Tensor::shallow_clone),
            scaling: layer.scaling.shallow_clone(),
        };
        let layers = self.layers.iter().map(fork).collect();
        Self { needs: self.needs, prompt: self.prompt, layers, repeated: None }
    }

    /// Reads `ids` after what is in `cache`, and sees what is needed of them.
    pub(crate) fn read(
        &mut self,
        network: &dyn CausalLm,
        ids: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
        on_read: &mut dyn FnMut(usize),
    ) -> Result<(), Error> {
        let tokens = NewTokens { ids, prompt: self.prompt };
        let length = tokens.rope_length(cache.length() + ids.len());
        let mut observing = Observing { network, length, observed: self };
        let mut looking = LayersWithKeys::of(cache, &mut observing);
        network.read(tokens, cache, &mut attention.reborrow().observed(&mut looking), on_read)?;
        Ok(())
    }

    /// The keys of `cache`, which holds all that was read, that stay of each layer and KV head.
    ///
    /// A layer with a sliding window that the context is longer than keeps them all: it reads no others than those of its window.
    pub(crate) fn keep(
        &self,
        network: &dyn CausalLm,
        cache: &KvCache,
        retention: &Retention,
        seed: u64,
    ) -> Result<Vec<Vec<Vec<usize>>>, Error> {
        let slides =
            |layer: &ObservedLayer| layer.scaling.window.is_some_and(|window| window < cache.length());
        let mut scores = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate().filter(|(_, layer)| !slides(layer)) {
            scores.push(self.scores(network, cache, retention, (number, layer), seed)?);
        }
        let mut chosen = retention.keep(&scores)?.into_iter();
        let all = |shape: &LayerShape| vec![(0..cache.length()).collect(); shape.kv_heads as usize];
        let of_layer = |(layer, shape): (&ObservedLayer, &LayerShape)| {
            if slides(layer) { all(shape) } else { chosen.next().unwrap_or_default() }
        };
        Ok(self.layers.iter().zip(&network.cache_shape().layers).map(of_layer).collect())
    }

    fn scores(
        &self,
        network: &dyn CausalLm,
        cache: &KvCache,
        retention: &Retention,
        (number, layer): (usize, &ObservedLayer),
        seed: u64,
    ) -> Result<LayerScores, Error> {
        let needs = retention.needs();
        let entries = cache.entries(number, 0)?;
        let [Entries { keys, values, .. }] = entries.as_slice() else {
            unreachable!("a context that was just read has all its entries")
        };
        let rows = (needs.queries as i64).min(layer.queries.size()[2]);
        let queries = layer.queries.f_narrow(2, layer.queries.size()[2] - rows, rows)?;
        let inputs = layer.scaling.inputs(&queries, (keys, values))?;
        let rotation = needs.rotation.map(|future| {
            let length = cache.length();
            let whole = self.prompt.max(length + future);
            network.mean_rotation(number, length..length + future, whole)
        });
        let rotation = rotation.transpose()?;
        let output = if needs.output { Some(network.output_projection(number)?) } else { None };
        let context = ContextLayer::new(inputs)
            .of_layer(number, seed)
            .with_moments(layer.moments.as_ref())
            .with_rotation(rotation.as_ref())
            .with_weights(layer.weights.as_ref())
            .with_output(output.as_ref())
            .with_repeated(self.repeated.as_ref().map(|(_, layers)| &layers[number]));
        Ok(retention.scores(&context)?)
    }
}

/// Looks on while tokens are read.
#[derive(Debug)]
struct Observing<'a> {
    network: &'a dyn CausalLm,
    /// Of the sequence, by which queries are rotated.
    length: usize,
    observed: &'a mut Observed,
}

impl Observing<'_> {
    /// The queries of a call as they were before they were rotated.
    fn unrotated(&self, layer: usize, inputs: &AttentionInputs<'_>) -> sah_attention::Result<Tensor> {
        let start = inputs.length() - inputs.dims().queries;
        let turned = self.network.unrotated(layer, inputs.queries(), start, self.length);
        turned.map_err(|error| sah_attention::Error::Observer(Box::new(error)))
    }

    /// What is known of a layer with a call more.
    fn with_call(
        &self,
        earlier: Option<&ObservedLayer>,
        (layer, inputs): (usize, &AttentionInputs<'_>),
    ) -> sah_attention::Result<ObservedLayer> {
        let needs = &self.observed.needs;
        let new = last(inputs.queries(), needs.queries)?;
        let missing = needs.queries - new.size()[2] as usize;
        let before = earlier.map(|layer| last(&layer.queries, missing)).transpose()?;
        // A copy: the other queries are not needed any more.
        let queries = Tensor::f_cat(&before.iter().chain([&new]).collect::<Vec<_>>(), 2)?;
        let moments = match needs.moments {
            None => None,
            Some(of) => {
                let unrotated = self.unrotated(layer, inputs)?;
                Some(match earlier.and_then(|layer| layer.moments.as_ref()) {
                    None => Moments::new(of).and(&unrotated)?,
                    Some(before) => before.and(&unrotated)?,
                })
            }
        };
        let weights = match (needs.weights, earlier.and_then(|layer| layer.weights.as_ref())) {
            (false, _) => None,
            (true, None) => Some(sums_of_weights(inputs)?),
            (true, Some(before)) => {
                let new = inputs.dims().keys as i64 - before.size()[1];
                Some(sums_of_weights(inputs)?.f_add(&before.f_pad([0, new], "constant", 0.0)?)?)
            }
        };
        Ok(ObservedLayer { queries, moments, weights, scaling: LayerScaling::of(inputs) })
    }
}

impl AttentionObserver for Observing<'_> {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        _: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let seen = self.with_call(self.observed.layers.get(layer), (layer, inputs))?;
        match self.observed.layers.get_mut(layer) {
            Some(of_layer) => *of_layer = seen,
            None => self.observed.layers.push(seen),
        }
        Ok(())
    }
}

/// The last `rows` of `[1, H, Q, D]`, or all where there are fewer.
fn last(queries: &Tensor, rows: usize) -> sah_attention::Result<Tensor> {
    let count = queries.size()[2];
    let rows = count.min(rows as i64);
    Ok(queries.f_narrow(2, count - rows, rows)?)
}
