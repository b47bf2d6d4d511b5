//! A context that the model repeats, part by part, so that it is seen what it looks at.

use std::ops::Range;

use sah_attention::retention::{Prefix, Repetition};
use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy};
use tch::{Kind, Tensor};

use super::keeping::LayersWithKeys;
use super::observed::Observed;
use crate::Error;
use crate::cache::{KvCache, LayerShape};
use crate::model::{CausalLm, NewTokens};

/// Tokens of the part before that a later part is announced with.
const ANNOUNCED: usize = 8;

/// The tokens by which a model is asked to repeat its context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepeatTokens {
    /// How many tokens stand before the context's own.
    pub prefix: usize,
    /// Asks for the context, or its first part.
    pub first: Vec<u32>,
    /// Asks for a later part, whose beginning follows.
    pub later: Vec<u32>,
    /// Ends the user's turn and begins the model's.
    pub suffix: Vec<u32>,
}

/// One part of a context, and what is read to see what the model looks at while it repeats it.
struct Pass {
    part: Range<usize>,
    ids: Vec<u32>,
}

impl RepeatTokens {
    /// The most tokens that are read after a context of `length` tokens.
    pub(crate) fn longest_pass(&self, repetition: Repetition, length: usize) -> usize {
        let asked = self.first.len().max(self.later.len() + ANNOUNCED) + self.suffix.len();
        asked + repetition.chunk.min(length.saturating_sub(self.prefix))
    }

    fn passes(&self, repetition: Repetition, context: &[u32]) -> Vec<Pass> {
        let prefix = self.prefix.min(context.len());
        let starts = (prefix..context.len()).step_by(repetition.chunk);
        let pass = |start: usize| {
            let part = start..context.len().min(start + repetition.chunk);
            let asked = if start == prefix { &self.first } else { &self.later };
            let before = prefix.max(start.saturating_sub(ANNOUNCED))..start;
            let ids = [asked, &context[before], &self.suffix, &context[part.clone()]].concat();
            Pass { part, ids }
        };
        starts.map(pass).collect()
    }
}

impl Observed {
    /// Has the model repeat `context`, which `cache` holds, and nothing else, and sees what it looks at. Nothing is done where it was
    /// seen before.
    pub(crate) fn repeat(
        &mut self,
        network: &dyn CausalLm,
        (repetition, tokens): (Repetition, &RepeatTokens),
        context: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<(), Error> {
        if self.repeated.as_ref().is_some_and(|(of, _)| *of == repetition) {
            return Ok(());
        }
        let _span = tracing::debug_span!("repeat", tokens = context.len()).entered();
        let prefix = tokens.prefix.min(context.len());
        cache.truncate(context.len());
        let mut layers: Vec<Vec<Tensor>> = Vec::new();
        for Pass { part, ids } in tokens.passes(repetition, context) {
            let sinks = repetition.sinks(prefix);
            let mut seen = Repeating { sinks, part, read: context.len(), layers: Vec::new() };
            let tokens = NewTokens { ids: &ids, prompt: self.prompt };
            let mut looking = LayersWithKeys::of(cache, &mut seen);
            network.read(tokens, cache, &mut attention.reborrow().observed(&mut looking), &mut |_| ())?;
            cache.truncate(context.len());
            layers.resize_with(seen.layers.len(), Vec::new);
            layers.iter_mut().zip(seen.layers).for_each(|(parts, part)| parts.push(part));
        }
        let shape = network.cache_shape();
        layers.resize_with(shape.layers.len(), Vec::new);
        let whole = |(mut parts, layer): (Vec<Tensor>, &LayerShape)| {
            let score = match repetition.prefix {
                Prefix::Dropped => 0.0,
                Prefix::Kept => Repetition::STAYS,
            };
            let (size, options) = ([layer.kv_heads, prefix as i64], (Kind::Float, layer.device));
            parts.insert(0, Tensor::f_full(size, score, options)?);
            Ok(Tensor::f_cat(&parts, 1)?)
        };
        let layers = layers.into_iter().zip(&shape.layers).map(whole).collect::<Result<_, Error>>()?;
        self.repeated = Some((repetition, layers));
        Ok(())
    }
}

/// Looks on while a part is repeated.
#[derive(Debug)]
struct Repeating {
    sinks: usize,
    part: Range<usize>,
    /// Tokens of the context.
    read: usize,
    /// The largest weights so far, `[Hkv, part]` for each layer.
    layers: Vec<Tensor>,
}

impl AttentionObserver for Repeating {
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        _: &AttentionOutput,
    ) -> sah_attention::Result<()> {
        let weights = Repetition::weights(inputs, self.sinks, self.part.clone(), self.read)?;
        match self.layers.get_mut(layer) {
            Some(before) => *before = before.f_maximum(&weights)?,
            None => self.layers.push(weights),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_announced_by_the_end_of_the_one_before() {
        let tokens = RepeatTokens { prefix: 2, first: vec![90], later: vec![91, 92], suffix: vec![99] };
        let repetition = Repetition { sinks: 1, chunk: 10, prefix: Prefix::Dropped };
        let context: Vec<u32> = (0..25).collect();
        let passes = tokens.passes(repetition, &context);
        let parts: Vec<Range<usize>> = passes.iter().map(|pass| pass.part.clone()).collect();
        assert_eq!(parts, [2..12, 12..22, 22..25]);
        assert_eq!(passes[0].ids, [&[90, 99][..], &context[2..12]].concat());
        assert_eq!(passes[1].ids, [&[91, 92][..], &context[4..12], &[99], &context[12..22]].concat());
        let longest = passes.iter().map(|pass| pass.ids.len()).max().unwrap();
        assert_eq!(longest, tokens.longest_pass(repetition, context.len()));
        assert!(
            tokens.passes(repetition, &context[..2]).is_empty(),
            "nothing but what is before the context"
        );
    }
}
