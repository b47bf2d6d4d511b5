//! A network of two layers of attention over token numbers, whose answers are known without it.

use std::rc::Rc;
use std::sync::Arc;

use sah_attention::{AttentionPolicy, KvFormat};
use tch::{Device, Kind, Tensor};

use super::{
    External, ExternalFacts, ExternalLayer, ExternalMemory, ExternalNetwork, ExternalStep, ExternalTokens,
    KeptOfLayer, LayerCall, LayerCalls,
};
use crate::Error;
use crate::cache::{Batch, KvCache, Slots};
use crate::model::{CausalLm, NewTokens, StepDensity};

/// All keys are alike, so that a row reads the mean of the numbers of the tokens up to it. Its logits are that mean, in each layer, and the
/// sum of all numbers that were remembered.
#[derive(Debug)]
struct Means {
    facts: ExternalFacts,
    /// How often a pass calls attention.
    calls: usize,
}

impl Means {
    fn new(has_memory: bool, reads_in_parts: bool) -> Self {
        let (device, window) = (Device::Cpu, None);
        let layer = ExternalLayer { device, query_heads: 2, kv_heads: 1, key_dim: 1, value_dim: 1, window };
        let facts = ExternalFacts {
            layers: vec![layer; 2],
            positions: 100,
            vocabulary: 50,
            kind: Kind::Float,
            has_memory,
            reads_in_parts,
            drops_keys: true,
            weight_bytes: 0,
            notes: Vec::new(),
        };
        Self { facts, calls: 2 }
    }
}

fn column(numbers: &[f32]) -> Tensor {
    Tensor::from_slice(numbers).view([1, 1, numbers.len() as i64, 1])
}

impl ExternalNetwork for Means {
    fn facts(&self) -> &ExternalFacts {
        &self.facts
    }

    fn forward(
        &self,
        tokens: ExternalTokens<'_>,
        layers: &mut LayerCalls<'_>,
    ) -> Result<ExternalStep, Error> {
        let numbers: Vec<f32> = tokens.ids.iter().map(|&id| id as f32).collect();
        let rows = numbers.len() as i64;
        let before = tokens.memory.map_or(0.0, |memory| *memory.state.downcast_ref::<f32>().unwrap());
        assert!(before == 0.0 || self.facts.reads_in_parts || rows == 1, "one token after others");
        let mut logits = Vec::new();
        for _ in 0..self.calls {
            let (queries, keys) =
                (Tensor::ones([1, 2, rows, 1], (Kind::Float, Device::Cpu)), column(&numbers));
            let call = LayerCall {
                queries,
                keys: keys.ones_like(),
                values: keys,
                scale: 1.0,
                soft_cap: None,
                sinks: None,
            };
            logits.push(layers.attend(call)?.select(1, 0));
        }
        let sum = before + numbers.iter().sum::<f32>();
        logits.push(Tensor::from(sum).view([1, 1, 1]).expand([1, rows, 1], false));
        let logits = Tensor::cat(&logits, 2);
        let logits = if tokens.needs_all_logits { logits } else { logits.narrow(1, rows - 1, 1) };
        let memory = self.facts.has_memory.then(|| ExternalMemory { state: Rc::new(sum), bytes: 4 });
        Ok(ExternalStep { logits, memory })
    }

    /// Every second key stays; in the last layer the values are ten times what they were.
    fn read_dropping(
        &self,
        tokens: ExternalTokens<'_>,
        layers: &mut LayerCalls<'_>,
    ) -> Result<Vec<KeptOfLayer>, Error> {
        let numbers: Vec<f32> = tokens.ids.iter().map(|&id| id as f32).collect();
        let values = column(&numbers);
        for _ in 0..self.calls {
            layers.append(&values.ones_like(), &values)?;
        }
        let heads = vec![(0..numbers.len()).step_by(2).collect()];
        let changed = Some((values.ones_like(), &values * 10.0));
        Ok(vec![KeptOfLayer { heads: heads.clone(), changed: None }, KeptOfLayer { heads, changed }])
    }
}

fn cache(network: &External, room: usize) -> KvCache {
    KvCache::new(&network.cache_shape(), room, KvFormat::Plain(Kind::Float)).unwrap()
}

fn tokens(ids: &[u32]) -> NewTokens<'_> {
    NewTokens { ids, prompt: 0 }
}

/// The logits after `ids`, which follow what is in `cache`.
fn read(network: &External, ids: &[u32], cache: &mut KvCache) -> Vec<f32> {
    let step = network.forward(tokens(ids), cache, &mut AttentionPolicy::dense()).unwrap();
    Vec::try_from(network.logits(&[&step]).unwrap().view([-1])).unwrap()
}

#[test]
fn parts_of_a_text_follow_each_other() {
    for (has_memory, reads_in_parts) in [(false, true), (true, true), (true, false)] {
        let network = External(Arc::new(Means::new(has_memory, reads_in_parts)));
        let mut cache = cache(&network, 8);
        assert_eq!(read(&network, &[1, 3], &mut cache), [2.0, 2.0, 4.0]);
        cache.truncate(2);
        let sum = |last: f32| if has_memory { 4.0 + last } else { last };
        assert_eq!(read(&network, &[5, 7], &mut cache), [4.0, 4.0, sum(12.0)]);
        cache.truncate(2);
        assert_eq!(read(&network, &[11], &mut cache), [5.0, 5.0, sum(11.0)], "as after the context alone");
        assert_eq!(network.chunk() == usize::MAX, !reads_in_parts);
    }
}

#[test]
fn rows_of_a_batch_are_sequences_of_their_own() {
    for has_memory in [false, true] {
        let network = External(Arc::new(Means::new(has_memory, true)));
        let mut cache = cache(&network, 12);
        read(&network, &[1, 3], &mut cache);
        let mut slots = Slots::after(&mut cache, 2, 3).unwrap();
        for (slot, id) in [(0, 5), (1, 8)] {
            read(&network, &[id], slots.cache());
            slots.take(slot).unwrap();
        }
        let mut batch = Batch::Slots(slots);
        let mut attentions = [AttentionPolicy::dense(), AttentionPolicy::dense()];
        let steps = network.forward_batch(tokens(&[11, 0]), &[0, 1], &mut batch, &mut attentions).unwrap();
        let logits = network.logits(&steps.iter().collect::<Vec<_>>()).unwrap();
        let sums = if has_memory { [20.0, 12.0] } else { [11.0, 11.0] };
        let expected = Tensor::from_slice(&[5.0f32, 5.0, sums[0], 3.0, 3.0, sums[1]]).view([2, 3]);
        assert!(logits.allclose(&expected, 1e-6, 1e-6, false), "{logits:?}");
        assert_eq!([batch.length(0), batch.length(1)], [4, 4]);
    }
}

#[test]
fn keys_that_it_drops_are_gone() {
    let network = External(Arc::new(Means::new(false, true)));
    let mut cache = cache(&network, 4);
    let kept = network.read_dropping(tokens(&[1, 30, 3, 40]), &mut cache).unwrap();
    assert_eq!(kept, [[[0, 2]], [[0, 2]]]);
    let mut cache = cache.compact(&kept, 2).unwrap();
    let step = network.forward(tokens(&[5]), &mut cache, &mut AttentionPolicy::dense()).unwrap();
    let StepDensity::OfLayers(densities) = &step.density else { panic!("of two layers") };
    assert!(densities.iter().all(|density| (density.value().unwrap() - 0.6).abs() < 1e-9));
    let logits: Vec<f32> = Vec::try_from(network.logits(&[&step]).unwrap().view([-1])).unwrap();
    assert_eq!(logits, [3.0, 15.0, 5.0], "the means of 1, 3, 5 and of 10, 30, 5");
}

#[test]
fn each_layer_calls_once() {
    for calls in [1, 3] {
        let network = External(Arc::new(Means { calls, ..Means::new(false, true) }));
        let failed = network.forward(tokens(&[1]), &mut cache(&network, 4), &mut AttentionPolicy::dense());
        assert!(matches!(failed, Err(Error::ExternalCalls { layers: 2, .. })), "{failed:?}");
    }
    let network = External(Arc::new(Means::new(false, true)));
    let failed = network.forward(tokens(&[50]), &mut cache(&network, 4), &mut AttentionPolicy::dense());
    assert!(matches!(failed, Err(Error::TokenId { id: 50, vocabulary: 50 })), "{failed:?}");
}
