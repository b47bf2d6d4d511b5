//! A network that another library runs, and that hands its queries, keys and values over for attention.

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use sah_attention::{AttentionPolicy, Density, KvFormat};
use tch::{Device, Kind, Tensor};

use super::attend::{Attend, BatchRows, Heads, NewEntries, OneSequence, Scores};
use super::{AttentionSize, CHUNK, CausalLm, ModelSizes, NewTokens, Step, StepDensity};
use crate::Error;
use crate::cache::{Batch, CacheShape, KvCache, LayerMemory, LayerShape};

/// A causal language model whose layers another library computes, all but attention: positions, weights and heads are its own, the keys
/// that each query reads are this crate's.
///
/// Tokens are given by their numbers and places in the sequence, and keys and values of earlier ones are never asked for again.
pub trait ExternalNetwork: Debug + Send + Sync {
    /// What does not change from call to call.
    fn facts(&self) -> &ExternalFacts;

    /// Runs tokens through all layers, and calls [`LayerCalls::attend`] once for each layer with attention, in the order of
    /// [`ExternalFacts::layers`].
    ///
    /// # Errors
    ///
    /// What kept it from that.
    fn forward(&self, tokens: ExternalTokens<'_>, layers: &mut LayerCalls<'_>)
    -> Result<ExternalStep, Error>;

    /// Reads a whole context, calls [`LayerCalls::append`] once for each layer with attention, and says which of its keys stay: only
    /// called where [`ExternalFacts::drops_keys`].
    ///
    /// # Errors
    ///
    /// What kept it from that.
    fn read_dropping(
        &self,
        tokens: ExternalTokens<'_>,
        layers: &mut LayerCalls<'_>,
    ) -> Result<Vec<KeptOfLayer>, Error>;
}

/// What an [`ExternalNetwork`] is.
#[derive(Clone, Debug)]
pub struct ExternalFacts {
    /// The layers with attention, in the order in which they are called.
    pub layers: Vec<ExternalLayer>,
    /// How many positions it was made for.
    pub positions: usize,
    /// Tokens that it has numbers for.
    pub vocabulary: usize,
    /// Of queries, keys and values.
    pub kind: Kind,
    /// Whether some layers keep a memory of one size in the place of keys.
    pub has_memory: bool,
    /// Whether several tokens may follow others in one call. Where they may not, a text is read in one call, and what follows it token by
    /// token.
    pub reads_in_parts: bool,
    /// Whether keys of a context are dropped while it is read.
    pub drops_keys: bool,
    /// Bytes of its weights.
    pub weight_bytes: u64,
    /// What makes its scores mean something else than one may think.
    pub notes: Vec<String>,
}

/// A layer with attention of an [`ExternalNetwork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalLayer {
    /// Where it is.
    pub device: Device,
    /// H.
    pub query_heads: usize,
    /// Hkv.
    pub kv_heads: usize,
    /// D.
    pub key_dim: usize,
    /// Dv.
    pub value_dim: usize,
    /// How many keys a row reads, its own included; `None` for all before it.
    pub window: Option<usize>,
}

/// Tokens for a call of an [`ExternalNetwork`].
#[derive(Debug)]
pub struct ExternalTokens<'a> {
    /// At least one.
    pub ids: &'a [u32],
    /// Where each of them stands in its sequence.
    pub places: &'a [usize],
    /// What was remembered of the tokens before them; `None` before the first, and where nothing is.
    pub memory: Option<&'a ExternalMemory>,
    /// Whether the logits of all of them are needed, in the place of those after the last.
    pub needs_all_logits: bool,
}

/// What layers without keys remember, as the network has it. It is never written to.
#[derive(Clone, Debug)]
pub struct ExternalMemory {
    /// The network's own.
    pub state: Rc<dyn Any>,
    /// Its size.
    pub bytes: usize,
}

/// What a call of an [`ExternalNetwork`] gives.
#[derive(Debug)]
pub struct ExternalStep {
    /// `[1, 1, vocabulary]`, or `[1, Q, vocabulary]` where all were needed.
    pub logits: Tensor,
    /// What is remembered then; `None` where nothing is.
    pub memory: Option<ExternalMemory>,
}

/// What is left of a layer's keys of a context.
#[derive(Debug)]
pub struct KeptOfLayer {
    /// The numbers of the keys that stay of each KV head, in ascending order.
    pub heads: Vec<Vec<usize>>,
    /// Keys and values of all tokens of the context, `[1, Hkv, n, D]` and `[1, Hkv, n, Dv]`, where those that stay were changed.
    pub changed: Option<(Tensor, Tensor)>,
}

/// Heads of one call of a layer.
#[derive(Debug)]
pub struct LayerCall {
    /// `[1, H, Q, D]`, rotated.
    pub queries: Tensor,
    /// `[1, Hkv, Q, D]`, rotated: those of the new tokens.
    pub keys: Tensor,
    /// `[1, Hkv, Q, Dv]`.
    pub values: Tensor,
    /// The factor of the scores.
    pub scale: f64,
    /// Their bound: `cap * tanh(s / cap)`.
    pub soft_cap: Option<f64>,
    /// Scores that take part in each head's softmax and belong to no key, `[H]`.
    pub sinks: Option<Tensor>,
}

/// Takes the calls of the layers of an [`ExternalNetwork`], one after another.
pub struct LayerCalls<'a> {
    sequences: &'a mut dyn Attend,
    layers: &'a [ExternalLayer],
    next: usize,
}

impl Debug for LayerCalls<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerCalls").field("next", &self.next).finish_non_exhaustive()
    }
}

impl LayerCalls<'_> {
    /// Appends the keys and values of the next layer, and attends from its queries as the run has it: `[1, H, Q, Dv]`.
    ///
    /// # Errors
    ///
    /// More calls than there are layers, and what attention says.
    pub fn attend(&mut self, call: LayerCall) -> Result<Tensor, Error> {
        let (number, layer) = self.next_layer()?;
        let LayerCall { queries, keys, values, scale, soft_cap, sinks } = call;
        let sinks = sinks.map(|sinks| sinks.f_to_kind(Kind::Float)?.f_reshape([-1, 1])).transpose()?;
        let scores = Scores { scale, window: layer.window, soft_cap, sinks };
        self.sequences.attend(number, &scores, &Heads { queries, entries: NewEntries::Own { keys, values } })
    }

    /// Appends the keys, `[1, Hkv, Q, D]`, and values, `[1, Hkv, Q, Dv]`, of the next layer, from whose queries the network attends itself.
    ///
    /// # Errors
    ///
    /// More calls than there are layers, and keys that do not fit the cache.
    pub fn append(&mut self, keys: &Tensor, values: &Tensor) -> Result<(), Error> {
        let (number, _) = self.next_layer()?;
        self.sequences.append(number, keys, values)
    }

    /// The layer whose turn it is, and its number.
    fn next_layer(&mut self) -> Result<(usize, ExternalLayer), Error> {
        let number = self.next;
        let layer = self.layers.get(number).ok_or_else(|| self.wrong_count(number + 1))?;
        self.next += 1;
        Ok((number, *layer))
    }

    /// Fails where a layer was not called.
    fn finish(&self) -> Result<(), Error> {
        if self.next == self.layers.len() { Ok(()) } else { Err(self.wrong_count(self.next)) }
    }

    fn wrong_count(&self, calls: usize) -> Error {
        Error::ExternalCalls { calls, layers: self.layers.len() }
    }
}

/// An [`ExternalNetwork`] as one of this crate's models.
#[derive(Debug)]
pub(crate) struct External(pub(crate) Arc<dyn ExternalNetwork>);

impl External {
    /// Runs `ids` at `places` and gives what comes of it.
    fn call(
        &self,
        (ids, places): (&[u32], &[usize]),
        memory: Option<&ExternalMemory>,
        needs_all_logits: bool,
        sequences: &mut dyn Attend,
    ) -> Result<ExternalStep, Error> {
        let tokens = self.tokens((ids, places), memory, needs_all_logits)?;
        let mut calls = LayerCalls { sequences, layers: &self.0.facts().layers, next: 0 };
        let step = self.0.forward(tokens, &mut calls)?;
        calls.finish()?;
        Ok(step)
    }

    fn tokens<'a>(
        &self,
        (ids, places): (&'a [u32], &'a [usize]),
        memory: Option<&'a ExternalMemory>,
        needs_all_logits: bool,
    ) -> Result<ExternalTokens<'a>, Error> {
        let vocabulary = self.0.facts().vocabulary;
        match ids.iter().find(|&&id| id as usize >= vocabulary) {
            Some(&id) => Err(Error::TokenId { id, vocabulary }),
            None => Ok(ExternalTokens { ids, places, memory, needs_all_logits }),
        }
    }

    /// `ids` after what is in `cache`, in one call.
    fn pass(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<(Tensor, Vec<Density>), Error> {
        let (start, count) = (cache.length(), ids.len());
        cache.make_room(count)?;
        let places: Vec<usize> = (start..start + count).collect();
        let memory = if self.0.facts().has_memory { cache.memory(0).map(external).cloned() } else { None };
        let mut sequence = OneSequence { cache, attention, densities: Vec::new() };
        let step = self.call((ids, &places), memory.as_ref(), false, &mut sequence)?;
        let densities = sequence.densities;
        if let Some(memory) = step.memory {
            cache.remember(0, LayerMemory::External(memory));
        }
        cache.advance(count);
        Ok((step.logits, densities))
    }

    /// What only networks of this crate can say.
    fn lacks<T>(what: &'static str) -> Result<T, Error> {
        Err(Error::ExternalLacks { what })
    }
}

fn external(memory: &LayerMemory) -> &ExternalMemory {
    match memory {
        LayerMemory::External(memory) => memory,
        LayerMemory::Delta(_) => unreachable!("the caches of a network hold what it remembers"),
    }
}

impl CausalLm for External {
    fn forward(
        &self,
        tokens: NewTokens<'_>,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error> {
        let facts = self.0.facts();
        if facts.reads_in_parts || cache.length() == 0 || tokens.ids.len() == 1 {
            let (last, densities) = self.pass(tokens.ids, cache, attention)?;
            return Ok(Step { last, density: StepDensity::OfLayers(densities) });
        }
        let (mut sum, mut last) = (0.0, None);
        for id in tokens.ids {
            let (logits, densities) = self.pass(&[*id], cache, attention)?;
            sum += StepDensity::OfLayers(densities).value()?;
            last = Some(logits);
        }
        let Some(last) = last else { return Err(Error::EmptyQuestion) };
        Ok(Step { last, density: StepDensity::Known(sum / tokens.ids.len() as f64) })
    }

    fn chunk(&self) -> usize {
        if self.0.facts().reads_in_parts { CHUNK } else { usize::MAX }
    }

    fn drops_keys(&self) -> bool {
        self.0.facts().drops_keys
    }

    fn read_dropping(
        &self,
        tokens: NewTokens<'_>,
        cache: &mut KvCache,
    ) -> Result<Vec<Vec<Vec<usize>>>, Error> {
        let count = tokens.ids.len();
        cache.make_room(count)?;
        let places: Vec<usize> = (0..count).collect();
        let attention = &mut AttentionPolicy::dense();
        let mut sequence = OneSequence { cache, attention, densities: Vec::new() };
        let layers = &self.0.facts().layers;
        let mut calls = LayerCalls { sequences: &mut sequence, layers, next: 0 };
        let kept = self.0.read_dropping(self.tokens((tokens.ids, &places), None, false)?, &mut calls)?;
        calls.finish()?;
        let mut heads = Vec::with_capacity(kept.len());
        for (layer, KeptOfLayer { heads: of_layer, changed }) in kept.into_iter().enumerate() {
            if let Some((keys, values)) = changed {
                cache.append(layer, &keys, &values)?;
            }
            heads.push(of_layer);
        }
        cache.advance(count);
        Ok(heads)
    }

    fn forward_batch(
        &self,
        tokens: NewTokens<'_>,
        numbers: &[usize],
        batch: &mut Batch<'_>,
        attentions: &mut [AttentionPolicy<'_>],
    ) -> Result<Vec<Step>, Error> {
        batch.make_room(numbers)?;
        let places: Vec<usize> = numbers.iter().map(|&number| batch.length(number)).collect();
        // What layers remember is of one sequence: each has a call of its own.
        let has_memory = self.0.facts().has_memory;
        let size = if has_memory { 1 } else { numbers.len() };
        let mut steps = Vec::with_capacity(numbers.len());
        for first in (0..numbers.len()).step_by(size) {
            let of = first..(first + size).min(numbers.len());
            let memory =
                if has_memory { batch.memory(0, numbers[first]).map(external).cloned() } else { None };
            let (ids, places) = (&tokens.ids[of.clone()], &places[of.clone()]);
            let (numbers, attentions) = (&numbers[of.clone()], &mut attentions[of]);
            let mut rows = BatchRows { batch, numbers, attentions, densities: Vec::new() };
            rows.densities.resize_with(numbers.len(), Vec::new);
            let step = self.call((ids, places), memory.as_ref(), true, &mut rows)?;
            let densities = rows.densities;
            if let Some(memory) = step.memory {
                batch.remember(0, numbers[0], LayerMemory::External(memory));
            }
            for (row, densities) in densities.into_iter().enumerate() {
                let last = step.logits.f_narrow(1, row as i64, 1)?;
                steps.push(Step { last, density: StepDensity::OfLayers(densities) });
            }
        }
        batch.advance(numbers);
        Ok(steps)
    }

    fn logits(&self, steps: &[&Step]) -> Result<Tensor, Error> {
        let last: Vec<&Tensor> = steps.iter().map(|step| &step.last).collect();
        Ok(Tensor::f_cat(&last, 1)?.f_squeeze_dim(0)?.f_to_kind(Kind::Float)?)
    }

    fn unrotated(&self, _: usize, _: &Tensor, _: usize, _: usize) -> Result<Tensor, Error> {
        Self::lacks("queries before they are rotated")
    }

    fn mean_rotation(&self, _: usize, _: Range<usize>, _: usize) -> Result<Tensor, Error> {
        Self::lacks("rotations of positions")
    }

    fn output_projection(&self, _: usize) -> Result<Tensor, Error> {
        Self::lacks("output projections")
    }

    fn cache_shape(&self) -> CacheShape {
        let facts = self.0.facts();
        let shape = |layer: &ExternalLayer| LayerShape {
            device: layer.device,
            kv_heads: layer.kv_heads as i64,
            key_dim: layer.key_dim as i64,
            value_dim: layer.value_dim as i64,
        };
        let layers: Vec<LayerShape> = facts.layers.iter().map(shape).collect();
        CacheShape { read: (0..layers.len()).collect(), layers, recurrent: usize::from(facts.has_memory) }
    }

    fn positions(&self) -> usize {
        self.0.facts().positions
    }

    fn sizes(&self, format: KvFormat) -> ModelSizes {
        let facts = self.0.facts();
        let of_layer = |layer: &ExternalLayer| AttentionSize {
            query_heads: layer.query_heads,
            kv_heads: layer.kv_heads,
            key_dim: layer.key_dim,
            value_dim: layer.value_dim,
            window: layer.window,
            row_bytes: format.row_bytes(layer.key_dim) + format.row_bytes(layer.value_dim),
            shares_keys: false,
        };
        let attention = facts.layers.iter().map(of_layer).collect();
        ModelSizes { attention, weight_bytes: facts.weight_bytes, ..ModelSizes::default() }
    }
}

#[cfg(test)]
mod tests;
