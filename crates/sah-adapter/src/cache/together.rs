//! Sequences that go on together, a token each.

use sah_attention::{EvictedKeys, KvRows};
use tch::Tensor;

use super::KvCache;
use crate::Error;

/// Where the entries of sequences lie that go on together, numbered from 0.
#[derive(Debug)]
pub(crate) enum Together<'a> {
    /// In tails behind one prefix.
    Tails(&'a mut KvCache),
    /// Each in a cache of its own.
    Apart(&'a mut [KvCache]),
}

impl Together<'_> {
    /// Tokens of sequence `number`.
    pub(crate) fn length(&self, number: usize) -> usize {
        match self {
            Self::Tails(cache) => cache.length_with(number),
            Self::Apart(caches) => caches[number].length(),
        }
    }

    /// See [`KvCache::expected_length`].
    pub(crate) fn expected_length(&self, number: usize) -> usize {
        match self {
            Self::Tails(cache) => cache.expected_length(),
            Self::Apart(caches) => caches[number].expected_length(),
        }
    }

    /// Makes room for a token of each of `numbers` where keys may be evicted.
    pub(crate) fn make_room(&mut self, numbers: &[usize]) -> Result<(), Error> {
        match self {
            Self::Tails(_) => Ok(()),
            Self::Apart(caches) => numbers.iter().try_for_each(|&number| caches[number].make_room(1)),
        }
    }

    /// Writes one entry of a layer, `[1, Hkv, 1, D]`, behind sequence `number`. The lengths change only with
    /// [`Together::advance`].
    pub(crate) fn append(
        &mut self,
        layer: usize,
        number: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(), Error> {
        match self {
            Self::Tails(cache) => cache.append_to_tail(layer, number, keys, values),
            Self::Apart(caches) => caches[number].append(layer, keys, values).map(drop),
        }
    }

    /// The entries of sequence `number` in a layer, the one appended last included, `[1, Hkv, K, D]`.
    pub(crate) fn entries(&self, layer: usize, number: usize) -> Result<(KvRows, KvRows), Error> {
        match self {
            Self::Tails(cache) => cache.bring_back(layer, number),
            Self::Apart(caches) => caches[number].first(layer, caches[number].length as usize + 1),
        }
    }

    /// Keys that are missing among those of sequence `number`.
    pub(crate) fn evicted(&self, number: usize) -> Option<EvictedKeys> {
        match self {
            Self::Tails(cache) => cache.evicted(),
            Self::Apart(caches) => caches[number].evicted(),
        }
    }

    /// Counts one token of each of `numbers` that every layer has appended.
    pub(crate) fn advance(&mut self, numbers: &[usize]) {
        match self {
            Self::Tails(cache) => cache.advance_each(numbers),
            Self::Apart(caches) => numbers.iter().for_each(|&number| caches[number].advance(1)),
        }
    }
}
