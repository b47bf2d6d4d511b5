//! The keys and values of the tokens that a model has seen.

mod eviction;
mod together;

use std::ops::Range;

use sah_attention::{KvFormat, KvRows};
use tch::{Device, Tensor};

pub(crate) use together::Together;

use crate::Error;
use eviction::Eviction;

/// Keys and values of one sequence, layer by layer, in buffers allocated once.
///
/// Questions about one context share its entries: each question appends its own and [`KvCache::truncate`] takes them
/// away again, so the context is neither copied nor computed twice. A cache that evicts keys cannot go back: there each
/// question goes on from a copy of what is kept of the context.
#[derive(Debug)]
pub(crate) struct KvCache {
    layers: Vec<Layer>,
    /// Entries that are stored.
    length: i64,
    capacity: i64,
    expected: usize,
    tails: Tails,
    /// `None` where every entry stays.
    eviction: Option<Eviction>,
}

/// Entries of questions that are answered together, behind one prefix: each has a place of its own at the end of the
/// buffers.
#[derive(Debug, Default)]
struct Tails {
    /// Tokens of the prefix.
    prefix: i64,
    /// Tokens that a tail has room for.
    size: i64,
    /// Tokens of each tail.
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
        Ok(Self { layers, length: 0, capacity, expected: 0, tails: Tails::default(), eviction: None })
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

    /// Writes `[1, Hkv, Q, D]` new entries of one layer behind those of the cache and gives views of all of them,
    /// `[1, Hkv, K, D]`. The length changes only with [`KvCache::advance`], when all layers have written.
    pub(crate) fn append(
        &mut self,
        layer: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(KvRows, KvRows), Error> {
        let new = keys.size()[2];
        let total = self.length + new;
        let room = self.capacity - self.tails.size * self.tails.lengths.len() as i64;
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

    /// Forgets all tokens but the first `length`, and all tails. Not for a cache that evicts.
    pub(crate) fn truncate(&mut self, length: usize) {
        debug_assert!(self.eviction.is_none(), "what was evicted does not come back");
        self.length = self.length.min(length as i64);
        self.tails = Tails::default();
    }

    /// Makes room for `count` tails of `size` tokens behind what is there now, which becomes their prefix.
    pub(crate) fn divide(&mut self, count: usize, size: usize) -> Result<(), Error> {
        let needed = self.length + (count * size) as i64;
        if needed > self.capacity {
            return Err(Error::CacheFull { capacity: self.capacity as usize, needed: needed as usize });
        }
        self.tails = Tails { prefix: self.length, size: size as i64, lengths: vec![0; count] };
        Ok(())
    }

    /// Moves what stands behind the prefix to tail `tail`.
    pub(crate) fn put_away(&mut self, tail: usize) -> Result<(), Error> {
        let Tails { prefix, size, .. } = self.tails;
        let (length, start) = (self.length - prefix, self.start_of(tail));
        if length > size {
            return Err(Error::CacheFull { capacity: size as usize, needed: length as usize });
        }
        for rows in self.rows() {
            copy(rows, prefix, start, length)?;
        }
        self.tails.lengths[tail] = length;
        self.length = prefix;
        Ok(())
    }

    /// Writes a new entry of one layer, `[1, Hkv, 1, D]`, behind tail `tail`. The lengths change only with
    /// [`KvCache::advance_each`].
    fn append_to_tail(
        &mut self,
        layer: usize,
        tail: usize,
        keys: &Tensor,
        values: &Tensor,
    ) -> Result<(), Error> {
        let length = self.tails.lengths[tail];
        if length == self.tails.size {
            return Err(Error::CacheFull { capacity: length as usize, needed: length as usize + 1 });
        }
        let (layer, at) = (&self.layers[layer], (self.start_of(tail) + length) as usize);
        layer.keys.store_at(at, keys)?;
        layer.values.store_at(at, values)?;
        Ok(())
    }

    /// All keys and values of a layer with those of all tails, `[1, Hkv, capacity, D]`: only what [`KvCache::places`] says
    /// has been written.
    pub(crate) fn whole(&self, layer: usize) -> (&KvRows, &KvRows) {
        (&self.layers[layer].keys, &self.layers[layer].values)
    }

    /// Where the last `window` entries of a tail and its prefix lie, the one appended last included.
    pub(crate) fn places(&self, tail: usize, window: Option<usize>) -> [Range<usize>; 2] {
        let (prefix, start) = (self.tails.prefix as usize, self.start_of(tail) as usize);
        let own = self.tails.lengths[tail] as usize + 1;
        let window = window.unwrap_or(usize::MAX);
        [prefix - prefix.min(window.saturating_sub(own))..prefix, start + own - own.min(window)..start + own]
    }

    /// Copies a tail behind its prefix, the entry appended last included, and gives views of both, `[1, Hkv, K, D]`.
    fn bring_back(&self, layer: usize, tail: usize) -> Result<(KvRows, KvRows), Error> {
        let prefix = self.tails.prefix;
        let (start, own) = (self.start_of(tail), self.tails.lengths[tail] + 1);
        let bring = |rows: &KvRows| -> Result<KvRows, Error> {
            copy(rows, start, prefix, own)?;
            Ok(rows.narrow(0..(prefix + own) as usize)?)
        };
        let layer = &self.layers[layer];
        Ok((bring(&layer.keys)?, bring(&layer.values)?))
    }

    /// Tokens of the prefix and of tail `tail`.
    fn length_with(&self, tail: usize) -> usize {
        (self.tails.prefix + self.tails.lengths[tail]) as usize
    }

    /// Counts one token of each of `tails` that every layer has appended.
    fn advance_each(&mut self, tails: &[usize]) {
        for &tail in tails {
            self.tails.lengths[tail] += 1;
        }
    }

    fn start_of(&self, tail: usize) -> i64 {
        self.capacity - self.tails.size * (self.tails.lengths.len() - tail) as i64
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
    fn tails_grow_apart_behind_one_prefix() {
        let mut cache = cache(12);
        let _context = cache.append(0, &entries(0, 4), &entries(0, 4)).unwrap();
        cache.advance(4);
        cache.divide(2, 3).unwrap();
        for (tail, (first, count)) in [(10, 2), (20, 1)].into_iter().enumerate() {
            let _question = cache.append(0, &entries(first, count), &entries(first, count)).unwrap();
            cache.advance(count as usize);
            cache.put_away(tail).unwrap();
        }
        assert_eq!([cache.length_with(0), cache.length_with(1)], [6, 5]);
        for (tail, start) in [(1, 30), (0, 31)] {
            cache.append_to_tail(0, tail, &entries(start, 1), &entries(start, 1)).unwrap();
        }
        let (keys, _) = cache.bring_back(0, 1).unwrap();
        assert!(equal(&keys, &Tensor::cat(&[entries(0, 4), entries(20, 1), entries(30, 1)], 2)));
        let (keys, _) = cache.bring_back(0, 0).unwrap();
        assert!(equal(&keys, &Tensor::cat(&[entries(0, 4), entries(10, 2), entries(31, 1)], 2)));
        assert_eq!(cache.places(0, None), [0..4, 6..9]);
        assert_eq!(cache.places(1, None), [0..4, 9..11]);
        assert_eq!(cache.places(0, Some(4)), [3..4, 6..9]);
        assert_eq!(cache.places(0, Some(2)), [4..4, 7..9]);
        cache.advance_each(&[0]);
        let error = cache.append_to_tail(0, 0, &entries(40, 1), &entries(40, 1)).unwrap_err();
        assert!(error.to_string().contains('4'), "a tail has room for three: {error}");
        assert!(cache.append(0, &entries(0, 3), &entries(0, 3)).is_err(), "the tails' places are theirs");
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
