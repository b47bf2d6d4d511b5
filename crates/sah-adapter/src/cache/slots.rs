//! Sequences that go on after one prefix.

use std::ops::Range;

use tch::Tensor;

use super::{Entries, KvCache, LayerMemory, Memory, by_part};
use crate::Error;

/// The end of a cache's buffers, divided between the sequences of a batch, which all follow the same prefix: a slot for each.
/// The cache has its room back, and the prefix alone, when this is dropped.
#[derive(Debug)]
pub(crate) struct Slots<'a> {
    cache: &'a mut KvCache,
    /// Entries of the prefix.
    prefix: usize,
    /// Entries that a slot has room for.
    size: usize,
    /// Entries in each slot.
    lengths: Vec<usize>,
    /// What layers without keys remember of the prefix, and of each slot's sequence.
    memory: Memory,
    memories: Vec<Memory>,
}

impl<'a> Slots<'a> {
    /// `count` slots of `size` tokens each after what the cache holds now.
    pub(crate) fn after(cache: &'a mut KvCache, count: usize, size: usize) -> Result<Self, Error> {
        let needed = cache.length + count * size;
        if needed > cache.capacity {
            return Err(Error::CacheFull { capacity: cache.capacity, needed });
        }
        cache.capacity -= count * size;
        let memory = cache.memory.share();
        let memories = (0..count).map(|_| memory.share()).collect();
        Ok(Self { prefix: cache.length, cache, size, lengths: vec![0; count], memory, memories })
    }

    /// The cache of the prefix. What is appended to it can be [taken](Slots::take) into a slot.
    pub(crate) fn cache(&mut self) -> &mut KvCache {
        self.cache
    }

    /// Whether some of the prefix was left out, in any layer.
    pub(crate) fn is_compacted(&self) -> bool {
        self.cache.is_compacted()
    }

    /// Moves the entries after the prefix into slot `slot`.
    pub(crate) fn take(&mut self, slot: usize) -> Result<(), Error> {
        let (length, start) = (self.cache.length - self.prefix, self.start(slot));
        if length > self.size {
            return Err(Error::CacheFull { capacity: self.size, needed: length });
        }
        for layer in &self.cache.layers {
            layer.copy(self.prefix, start, length)?;
        }
        self.lengths[slot] = length;
        self.cache.length = self.prefix;
        self.memories[slot] = std::mem::replace(&mut self.cache.memory, self.memory.share());
        Ok(())
    }

    /// Writes a new entry of one layer, `[1, Hkv, 1, D]`, to slot `slot`. The lengths change only with
    /// [`Slots::advance`].
    pub(super) fn append(
        &self,
        layer: usize,
        slot: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(), Error> {
        let length = self.lengths[slot];
        if length == self.size {
            return Err(Error::CacheFull { capacity: length, needed: length + 1 });
        }
        self.cache.layers[layer].store_at(self.start(slot) + length, keys, values)
    }

    /// Where in the [buffers](KvCache::buffers) of a layer those entries lie that the entry appended last to each of `slots` may
    /// read; see [`KvCache::row_ranges`].
    pub(crate) fn ranges(
        &self,
        layer: usize,
        slots: &[usize],
        window: Option<usize>,
    ) -> Vec<[Range<usize>; 2]> {
        let of_slot = |&slot: &usize| {
            let start = self.start(slot);
            self.cache.layers[layer].rows(self.prefix, start..start + self.lengths[slot] + 1, window)
        };
        by_part(slots.iter().map(of_slot))
    }

    /// The buffers of a layer; see [`KvCache::buffers`].
    pub(crate) fn buffers(&self, layer: usize) -> (&sah_attention::KvRows, &sah_attention::KvRows) {
        self.cache.buffers(layer)
    }

    /// Copies a slot's entries to the end of the prefix, the one appended last included, and gives both.
    pub(super) fn gather(&self, layer: usize, slot: usize) -> Result<Vec<Entries<'_>>, Error> {
        let own = self.lengths[slot] + 1;
        self.cache.layers[layer].copy(self.start(slot), self.prefix, own)?;
        self.cache.layers[layer].entries(self.prefix + own)
    }

    /// What a layer without keys remembers of slot `slot`'s sequence.
    pub(super) fn memory(&self, layer: usize, slot: usize) -> Option<&LayerMemory> {
        self.memories[slot].of_layer(layer)
    }

    pub(super) fn remember(&mut self, layer: usize, slot: usize, memory: LayerMemory) {
        self.memories[slot].replace(layer, memory);
    }

    /// Tokens of the prefix and of slot `slot`.
    pub(super) fn length(&self, slot: usize) -> usize {
        self.cache.before + self.prefix + self.lengths[slot]
    }

    /// Counts one token of each of `slots` that every layer has appended.
    pub(super) fn advance(&mut self, slots: &[usize]) {
        for &slot in slots {
            self.lengths[slot] += 1;
        }
    }

    fn start(&self, slot: usize) -> usize {
        self.cache.capacity + self.size * slot
    }
}

impl Drop for Slots<'_> {
    fn drop(&mut self) {
        self.cache.length = self.prefix;
        self.cache.capacity += self.size * self.lengths.len();
        self.cache.memory = self.memory.share();
    }
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::Slots;
    use crate::cache::tests::{cache, entries, only};

    #[test]
    fn slots_grow_apart_after_one_prefix() {
        let mut cache = cache(12);
        cache.append(0, &entries(0, 4), &entries(0, 4)).unwrap();
        cache.advance(4);
        assert!(Slots::after(&mut cache, 3, 3).is_err(), "there is room for eight");
        let mut slots = Slots::after(&mut cache, 2, 3).unwrap();
        for (slot, (first, count)) in [(10, 2), (20, 1)].into_iter().enumerate() {
            slots.cache().append(0, &entries(first, count), &entries(first, count)).unwrap();
            slots.cache().advance(count as usize);
            slots.take(slot).unwrap();
        }
        assert_eq!([slots.length(0), slots.length(1)], [6, 5]);
        for (slot, start) in [(1, 30), (0, 31)] {
            slots.append(0, slot, &entries(start, 1), &entries(start, 1)).unwrap();
        }
        let (keys, _) = only(&slots.gather(0, 1).unwrap());
        assert!(keys.equal(&Tensor::cat(&[entries(0, 4), entries(20, 1), entries(30, 1)], 2)));
        let (keys, _) = only(&slots.gather(0, 0).unwrap());
        assert!(keys.equal(&Tensor::cat(&[entries(0, 4), entries(10, 2), entries(31, 1)], 2)));
        assert_eq!(slots.ranges(0, &[0, 1], None), [[0..4, 6..9], [0..4, 9..11]]);
        assert_eq!(slots.ranges(0, &[0], Some(4)), [[3..4, 6..9]]);
        assert_eq!(slots.ranges(0, &[0], Some(2)), [[4..4, 7..9]]);
        slots.advance(&[0]);
        let error = slots.append(0, 0, &entries(40, 1), &entries(40, 1)).unwrap_err();
        assert!(error.to_string().contains('4'), "a slot has room for three: {error}");
        let long = entries(0, 3);
        assert!(slots.cache().append(0, &long, &long).is_err(), "the slots' room is theirs");
        drop(slots);
        assert_eq!((cache.length(), cache.capacity()), (4, 12));
        assert!(cache.append(0, &entries(0, 8), &entries(0, 8)).is_ok());
    }
}
