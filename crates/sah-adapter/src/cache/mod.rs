//! The keys and values of the tokens that a model has seen.

mod batch;
mod eviction;

use std::ops::Range;

use sah_attention::{KvFormat, KvRows};
use tch::{Device, Tensor};

pub(crate) use batch::Batch;

use crate::Error;
use eviction::Eviction;

/// Keys and values of one sequence, layer by layer, in buffers allocated once.
///
/// Questions about one context share its entries: each question appends its own and [`KvCache::truncate`] takes them
/// away again, so the context is neither copied nor computed twice. A cache that evicts keys cannot go back: there each
/// question continues a fork of what is kept of the context.
#[derive(Debug)]
pub(crate) struct KvCache {
    layers: Vec<Layer>,
    /// Entries that are stored.
    length: i64,
    capacity: i64,
    expected: usize,
    slots: Slots,
    /// `None` where every entry stays.
    eviction: Option<Eviction>,
}

/// Slots at the end of the buffers: one for each sequence of a batch, all after the same prefix.
#[derive(Debug, Default)]
struct Slots {
    /// Tokens of the prefix.
    prefix: i64,
    /// Tokens that a slot has room for.
    size: i64,
    /// Tokens in each slot.
    lengths: Vec<i64>,
}

/// `[1, Hkv, capacity, D]` each.
#[derive(Debug)]
struct Layer {
    keys: KvRows,
    values: KvRows,
}

/// What a cache's tensors look like.
#[derive(Clone, Debug)]
pub(crate) struct CacheShape {
    /// The device of each layer.
    pub(crate) layers: Vec<Device>,
    /// Hkv.
    pub(crate) kv_heads: i64,
    /// D.
    pub(crate) head_dim: i64,
}

impl KvCache {
    /// An empty cache with room for the entries of `capacity` tokens, whose keys and values are stored in `format`.
    pub(crate) fn new(shape: &CacheShape, capacity: usize, format: KvFormat) -> Result<Self, Error> {
        let capacity = capacity as i64;
        let size = [1, shape.kv_heads, capacity, shape.head_dim];
        let layers = shape
            .layers
            .iter()
            .map(|&device| {
                Ok(Layer {
                    keys: KvRows::empty(size, format, device)?,
                    values: KvRows::empty(size, format, device)?,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { layers, length: 0, capacity, expected: 0, slots: Slots::default(), eviction: None })
    }

    /// Tokens of the sequence, those whose entries were evicted included.
    pub(crate) fn length(&self) -> usize {
        self.length as usize + self.evicted().map_or(0, |gap| gap.count)
    }

    /// Entries that it has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Memory of its buffers, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows().map(KvRows::bytes).sum()
    }

    fn rows(&self) -> impl Iterator<Item = &KvRows> {
        self.layers.iter().flat_map(|layer| [&layer.keys, &layer.values])
    }

    /// Announces a prompt of `length` tokens in all, of which the next ones are the beginning: models whose rotary
    /// embeddings depend on the length of the sequence treat them as if they came in one pass.
    pub(crate) fn expect(&mut self, length: usize) {
        self.expected = length;
    }

    /// What was announced; 0 where nothing was.
    pub(crate) fn expected_length(&self) -> usize {
        self.expected
    }

    /// Writes `[1, Hkv, Q, D]` new entries of one layer after those of the cache and gives views of all of them,
    /// `[1, Hkv, K, D]`. The length changes only with [`KvCache::advance`], when all layers have written.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(KvRows, KvRows), Error> {
        let new = keys.size()[2];
        let total = self.length + new;
        let room = self.capacity - self.slots.size * self.slots.lengths.len() as i64;
        if total > room {
            return Err(Error::CacheFull { capacity: room as usize, needed: total as usize });
        }
        let Layer { keys: to_keys, values: to_values } = &self.layers[layer];
        to_keys.store_at(self.length as usize, keys)?;
        to_values.store_at(self.length as usize, values)?;
        self.first(layer, total as usize)
    }

    /// Views of the first `count` entries of a layer.
    fn first(&self, layer: usize, count: usize) -> Result<(KvRows, KvRows), Error> {
        let layer = &self.layers[layer];
        Ok((layer.keys.narrow(0..count)?, layer.values.narrow(0..count)?))
    }

    /// Counts `new` tokens that every layer has appended.
    pub(crate) fn advance(&mut self, new: usize) {
        self.length += new as i64;
    }

    /// Drops all tokens but the first `length`, and all slots. Not for a cache that evicts.
    pub(crate) fn truncate(&mut self, length: usize) {
        debug_assert!(self.eviction.is_none(), "what was evicted does not come back");
        self.length = self.length.min(length as i64);
        self.slots = Slots::default();
    }

    /// Makes `count` slots of `size` tokens each. What the cache holds now becomes their prefix.
    pub(crate) fn make_slots(&mut self, count: usize, size: usize) -> Result<(), Error> {
        let needed = self.length + (count * size) as i64;
        if needed > self.capacity {
            return Err(Error::CacheFull { capacity: self.capacity as usize, needed: needed as usize });
        }
        self.slots = Slots { prefix: self.length, size: size as i64, lengths: vec![0; count] };
        Ok(())
    }

    /// Moves the entries after the prefix into slot `slot`.
    pub(crate) fn move_to_slot(&mut self, slot: usize) -> Result<(), Error> {
        let Slots { prefix, size, .. } = self.slots;
        let (length, start) = (self.length - prefix, self.slot_start(slot));
        if length > size {
            return Err(Error::CacheFull { capacity: size as usize, needed: length as usize });
        }
        for rows in self.rows() {
            copy(rows, prefix, start, length)?;
        }
        self.slots.lengths[slot] = length;
        self.length = prefix;
        Ok(())
    }

    /// Writes a new entry of one layer, `[1, Hkv, 1, D]`, to slot `slot`. The lengths change only with
    /// [`KvCache::advance_slots`].
    fn append_to_slot(
        &mut self,
        layer: usize,
        slot: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(), Error> {
        let length = self.slots.lengths[slot];
        if length == self.slots.size {
            return Err(Error::CacheFull { capacity: length as usize, needed: length as usize + 1 });
        }
        let (layer, at) = (&self.layers[layer], (self.slot_start(slot) + length) as usize);
        layer.keys.store_at(at, keys)?;
        layer.values.store_at(at, values)?;
        Ok(())
    }

    /// The buffers of a layer, prefix and slots included, `[1, Hkv, capacity, D]`. Only the entries of
    /// [`KvCache::slot_ranges`] have been written.
    pub(crate) fn arena(&self, layer: usize) -> (&KvRows, &KvRows) {
        (&self.layers[layer].keys, &self.layers[layer].values)
    }

    /// Where the last `window` entries of a slot and its prefix lie, the one appended last included.
    pub(crate) fn slot_ranges(&self, slot: usize, window: Option<usize>) -> [Range<usize>; 2] {
        let (prefix, start) = (self.slots.prefix as usize, self.slot_start(slot) as usize);
        let own = self.slots.lengths[slot] as usize + 1;
        let window = window.unwrap_or(usize::MAX);
        [prefix - prefix.min(window.saturating_sub(own))..prefix, start + own - own.min(window)..start + own]
    }

    /// Copies a slot's entries to the end of the prefix, the one appended last included, and gives views of both, `[1, Hkv, K, D]`.
    fn gather_slot(&self, layer: usize, slot: usize) -> Result<(KvRows, KvRows), Error> {
        let prefix = self.slots.prefix;
        let (start, own) = (self.slot_start(slot), self.slots.lengths[slot] + 1);
        let gather = |rows: &KvRows| -> Result<KvRows, Error> {
            copy(rows, start, prefix, own)?;
            Ok(rows.narrow(0..(prefix + own) as usize)?)
        };
        let layer = &self.layers[layer];
        Ok((gather(&layer.keys)?, gather(&layer.values)?))
    }

    /// Tokens of the prefix and of slot `slot`.
    fn slot_length(&self, slot: usize) -> usize {
        (self.slots.prefix + self.slots.lengths[slot]) as usize
    }

    /// Counts one token of each of `slots` that every layer has appended.
    fn advance_slots(&mut self, slots: &[usize]) {
        for &slot in slots {
            self.slots.lengths[slot] += 1;
        }
    }

    fn slot_start(&self, slot: usize) -> i64 {
        self.capacity - self.slots.size * (self.slots.lengths.len() - slot) as i64
    }
}

/// Copies the entries `from..from + count` to `to..to + count`, which are others.
fn copy(rows: &KvRows, from: i64, to: i64, count: i64) -> Result<(), Error> {
    let at = |start: i64| rows.narrow(start as usize..(start + count) as usize);
    Ok(at(to)?.copy_from(&at(from)?)?)
}

#[cfg(test)]
mod tests {
    use sah_attention::{KvFormat, KvRows};
    use tch::{Device, Kind, Tensor};

    use super::{CacheShape, KvCache};

    pub(super) fn cache(capacity: usize) -> KvCache {
        let shape = CacheShape { layers: vec![Device::Cpu; 2], kv_heads: 3, head_dim: 4 };
        KvCache::new(&shape, capacity, KvFormat::Plain(Kind::Float)).unwrap()
    }

    fn equal(rows: &KvRows, expected: &Tensor) -> bool {
        rows.expand(Kind::Float).unwrap().equal(expected)
    }

    pub(super) fn entries(start: i64, count: i64) -> Tensor {
        let positions = Tensor::arange_start(start, start + count, (Kind::Float, Device::Cpu));
        positions.view([1, 1, count, 1]).expand([1, 3, count, 4], false)
    }

    #[test]
    fn a_question_sees_the_context_but_not_the_question_before_it() {
        let mut cache = cache(8);
        let _context = cache.append(0, &entries(0, 5), &entries(0, 5)).unwrap();
        cache.advance(5);
        let _question = cache.append(0, &entries(10, 2), &entries(10, 2)).unwrap();
        cache.advance(2);
        cache.truncate(5);
        let (keys, _) = cache.append(0, &entries(20, 1), &entries(20, 1)).unwrap();
        let expected = Tensor::cat(&[entries(0, 5), entries(20, 1)], 2);
        assert!(equal(&keys, &expected));
    }

    #[test]
    fn slots_grow_apart_after_one_prefix() {
        let mut cache = cache(12);
        let _context = cache.append(0, &entries(0, 4), &entries(0, 4)).unwrap();
        cache.advance(4);
        cache.make_slots(2, 3).unwrap();
        for (slot, (first, count)) in [(10, 2), (20, 1)].into_iter().enumerate() {
            let _question = cache.append(0, &entries(first, count), &entries(first, count)).unwrap();
            cache.advance(count as usize);
            cache.move_to_slot(slot).unwrap();
        }
        assert_eq!([cache.slot_length(0), cache.slot_length(1)], [6, 5]);
        for (slot, start) in [(1, 30), (0, 31)] {
            cache.append_to_slot(0, slot, &entries(start, 1), &entries(start, 1)).unwrap();
        }
        let (keys, _) = cache.gather_slot(0, 1).unwrap();
        assert!(equal(&keys, &Tensor::cat(&[entries(0, 4), entries(20, 1), entries(30, 1)], 2)));
        let (keys, _) = cache.gather_slot(0, 0).unwrap();
        assert!(equal(&keys, &Tensor::cat(&[entries(0, 4), entries(10, 2), entries(31, 1)], 2)));
        assert_eq!(cache.slot_ranges(0, None), [0..4, 6..9]);
        assert_eq!(cache.slot_ranges(1, None), [0..4, 9..11]);
        assert_eq!(cache.slot_ranges(0, Some(4)), [3..4, 6..9]);
        assert_eq!(cache.slot_ranges(0, Some(2)), [4..4, 7..9]);
        cache.advance_slots(&[0]);
        let error = cache.append_to_slot(0, 0, &entries(40, 1), &entries(40, 1)).unwrap_err();
        assert!(error.to_string().contains('4'), "a slot has room for three: {error}");
        assert!(cache.append(0, &entries(0, 3), &entries(0, 3)).is_err(), "the slots' room is theirs");
        cache.truncate(4);
        assert!(cache.append(0, &entries(0, 8), &entries(0, 8)).is_ok());
    }

    #[test]
    fn more_tokens_than_it_has_room_for_are_an_error() {
        let mut cache = cache(4);
        let error = cache.append(0, &entries(0, 5), &entries(0, 5)).unwrap_err();
        assert!(error.to_string().contains('5'), "{error}");
    }
}
