//! Sequences that decode in one batch, a token each per step.

use tch::Tensor;

use super::{Entries, KvCache, LayerMemory, Slots};
use crate::Error;

/// The KV entries of a batch of sequences, numbered from 0.
#[derive(Debug)]
pub(crate) enum Batch<'a> {
    /// In slots of one cache, after a prefix that all share.
    Slots(Slots<'a>),
    /// In a fork of the context's cache each.
    Forks(&'a mut [KvCache]),
}

impl Batch<'_> {
    /// Tokens of sequence `number`.
    pub(crate) fn length(&self, number: usize) -> usize {
        match self {
            Self::Slots(slots) => slots.length(number),
            Self::Forks(caches) => caches[number].length(),
        }
    }

    /// Makes room for a token of each of `numbers` where keys may be evicted.
    pub(crate) fn make_room(&mut self, numbers: &[usize]) -> Result<(), Error> {
        match self {
            Self::Slots(_) => Ok(()),
            Self::Forks(caches) => numbers.iter().try_for_each(|&number| caches[number].make_room(1)),
        }
    }

    /// Writes one entry of a layer, `[1, Hkv, 1, D]`, to sequence `number`. The lengths change only with
    /// [`Batch::advance`].
    pub(crate) fn append(
        &mut self,
        layer: usize,
        number: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(), Error> {
        match self {
            Self::Slots(slots) => slots.append(layer, number, keys, values),
            Self::Forks(caches) => caches[number].append(layer, keys, values),
        }
    }

    /// The entries of sequence `number` in a layer, the one appended last included.
    pub(crate) fn entries(&self, layer: usize, number: usize) -> Result<Vec<Entries<'_>>, Error> {
        match self {
            Self::Slots(slots) => slots.gather(layer, number),
            Self::Forks(caches) => caches[number].entries(layer, 1),
        }
    }

    /// What a layer without keys remembers of sequence `number`.
    pub(crate) fn memory(&self, layer: usize, number: usize) -> Option<&LayerMemory> {
        match self {
            Self::Slots(slots) => slots.memory(layer, number),
            Self::Forks(caches) => caches[number].memory(layer),
        }
    }

    pub(crate) fn remember(&mut self, layer: usize, number: usize, memory: LayerMemory) {
        match self {
            Self::Slots(slots) => slots.remember(layer, number, memory),
            Self::Forks(caches) => caches[number].remember(layer, memory),
        }
    }

    /// Counts one token of each of `numbers` that every layer has appended.
    pub(crate) fn advance(&mut self, numbers: &[usize]) {
        match self {
            Self::Slots(slots) => slots.advance(numbers),
            Self::Forks(caches) => numbers.iter().for_each(|&number| caches[number].advance(1)),
        }
    }
}
