//! The keys and values of the tokens that a model has seen.

mod batch;
mod compaction;
mod eviction;
mod layer;
mod packing;
mod recurrent;
mod slots;

use std::ops::Range;

use sah_attention::{KeptKeys, KvFormat, KvRows};
use tch::{Device, Tensor};

pub(crate) use batch::Batch;
pub(crate) use layer::Entries;
use layer::Layer;
use recurrent::Memory;
pub(crate) use recurrent::{DeltaMemory, LayerMemory};
pub(crate) use slots::Slots;

use crate::Error;

/// Keys and values of one sequence, layer by layer, in buffers allocated once.
///
/// Questions about one context share its entries: each question appends its own and [`KvCache::truncate`] takes them
/// away again, so the context is neither copied nor computed twice. A cache that evicts keys as it grows cannot go back: there
/// each question continues a fork of what is kept of the context.
#[derive(Debug)]
pub(crate) struct KvCache {
    layers: Vec<Layer>,
    /// Tokens of the text before the entries that all heads have.
    before: usize,
    /// Entries that all heads have, after those that [compaction](KvCache::compact) left of each.
    length: usize,
    /// Room for those.
    capacity: usize,
    /// What stays whenever it is full; `None` where every entry does.
    kept: Option<KeptKeys>,
    /// The most memory that its buffers took together with those that they were copied from, in bytes.
    peak: usize,
    /// What layers remember that keep no keys.
    memory: Memory,
    /// The same after so many tokens, to which the cache may go back.
    marked: Option<(usize, Memory)>,
}

/// What a cache's tensors look like.
#[derive(Clone, Debug)]
pub(crate) struct CacheShape {
    /// The layers that keep keys.
    pub(crate) layers: Vec<LayerShape>,
    /// For each layer with attention, which of those it reads: the first ones their own.
    pub(crate) read: Vec<usize>,
    /// How many layers keep no keys but a memory of one size.
    pub(crate) recurrent: usize,
}

/// What the tensors of a layer that keeps keys look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerShape {
    pub(crate) device: Device,
    /// Hkv.
    pub(crate) kv_heads: i64,
    /// D.
    pub(crate) key_dim: i64,
    /// Dv.
    pub(crate) value_dim: i64,
}

impl KvCache {
    /// An empty cache with room for the entries of `capacity` tokens, whose keys and values are stored in `format`.
    pub(crate) fn new(shape: &CacheShape, capacity: usize, format: KvFormat) -> Result<Self, Error> {
        let layers = shape.layers.iter().map(|&layer| Layer::new(layer, capacity, format));
        let layers = layers.collect::<Result<Vec<Layer>, Error>>()?;
        let peak = bytes(&layers);
        let memory = Memory::new(shape.recurrent);
        Ok(Self { layers, before: 0, length: 0, capacity, kept: None, peak, memory, marked: None })
    }

    /// Tokens of the sequence, those whose entries were evicted included.
    pub(crate) fn length(&self) -> usize {
        self.before + self.length
    }

    /// Entries that it has room for, those that were kept aside.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Memory of its buffers, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.layers) + self.memory.bytes()
    }

    /// Memory of its entries, in bytes: what they would take in buffers without room for more.
    pub(crate) fn stored_bytes(&self) -> Result<usize, Error> {
        let mut bytes = self.memory.bytes();
        for layer in &self.layers {
            let entries = layer.entries(self.length)?;
            bytes += entries.iter().map(|part| part.keys.bytes() + part.values.bytes()).sum::<usize>();
        }
        Ok(bytes)
    }

    /// The most memory that its buffers took, in bytes, together with those that they were copied from.
    pub(crate) fn peak_bytes(&self) -> usize {
        self.peak
    }

    /// Writes `[1, Hkv, Q, D]` new entries of one layer after those of the cache. The length changes only with
    /// [`KvCache::advance`], when all layers have written.
    pub(crate) fn append(&mut self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<(), Error> {
        let total = self.length + keys.size()[2] as usize;
        if total > self.capacity {
            return Err(Error::CacheFull { capacity: self.capacity, needed: total });
        }
        self.layers[layer].store_at(self.length, keys, values)
    }

    /// The entries of a layer, and the first `new` that were appended to them.
    pub(crate) fn entries(&self, layer: usize, new: usize) -> Result<Vec<Entries<'_>>, Error> {
        self.layers[layer].entries(self.length + new)
    }

    /// How many layers it has.
    pub(crate) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Whether heads of a layer have rows of their own.
    pub(crate) fn has_parts(&self, layer: usize) -> bool {
        self.layers[layer].has_parts()
    }

    /// Whether some of the text that was read first was left out, in any layer.
    pub(crate) fn is_compacted(&self) -> bool {
        self.before > 0 && self.kept.is_none()
    }

    /// Where in the [buffers](KvCache::buffers) of a layer those entries lie that each of the `rows` appended last may read, in
    /// a layer with this window: a list for each head that has rows of its own, one after another, or one for all heads.
    pub(crate) fn row_ranges(
        &self,
        layer: usize,
        rows: usize,
        window: Option<usize>,
    ) -> Vec<[Range<usize>; 2]> {
        let of_row = |row: usize| self.layers[layer].rows(0, 0..self.length + row + 1, window);
        by_part((0..rows).map(of_row))
    }

    /// Counts `new` tokens that every layer has appended.
    pub(crate) fn advance(&mut self, new: usize) {
        self.length += new;
    }

    /// Drops all tokens but the first `length`. Not for a cache that evicts as it grows. Where layers keep a memory instead of keys, this is
    /// called first when there are as many, before more are read.
    pub(crate) fn truncate(&mut self, length: usize) {
        debug_assert!(self.kept.is_none(), "what was evicted does not come back");
        debug_assert!(length >= self.before, "what was left out does not come back");
        if !self.memory.is_empty() {
            match &self.marked {
                _ if self.length() == length => self.marked = Some((length, self.memory.share())),
                Some((at, memory)) if *at == length => self.memory = memory.share(),
                _ => unreachable!("a memory goes back only to where it was before it was given more"),
            }
        }
        self.length = self.length.min(length - self.before);
    }

    /// What a layer without keys remembers, counted among such layers.
    pub(crate) fn memory(&self, layer: usize) -> Option<&LayerMemory> {
        self.memory.of_layer(layer)
    }

    pub(crate) fn remember(&mut self, layer: usize, memory: LayerMemory) {
        self.memory.replace(layer, memory);
    }

    /// The buffers of a layer: `[1, Hkv, rows, D]`, or `[1, 1, rows, D]` where each head has rows of its
    /// own. Only the entries of [`KvCache::row_ranges`] and [`Slots::ranges`] have been written.
    pub(crate) fn buffers(&self, layer: usize) -> (&KvRows, &KvRows) {
        self.layers[layer].buffers()
    }
}

fn bytes(layers: &[Layer]) -> usize {
    layers.iter().map(Layer::bytes).sum()
}

/// What each row has for each part, as what each part has for each row, one part after another.
fn by_part<T>(rows: impl Iterator<Item = impl Iterator<Item = T>>) -> Vec<T> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    for row in rows {
        for (number, of_part) in row.enumerate() {
            if parts.len() == number {
                parts.push(Vec::new());
            }
            parts[number].push(of_part);
        }
    }
    parts.into_iter().flatten().collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use sah_attention::{KvFormat, Positions};
    use tch::{Device, Kind, Tensor};

    use super::{CacheShape, Entries, KvCache, LayerShape};

    /// Layers of the CPU that are alike and all keep keys.
    pub(crate) fn shape(layers: usize, kv_heads: i64, head_dim: i64) -> CacheShape {
        let (key_dim, value_dim) = (head_dim, head_dim);
        let layer = LayerShape { device: Device::Cpu, kv_heads, key_dim, value_dim };
        CacheShape { layers: vec![layer; layers], read: (0..layers).collect(), recurrent: 0 }
    }

    pub(super) fn cache(capacity: usize) -> KvCache {
        let shape = shape(2, 3, 4);
        KvCache::new(&shape, capacity, KvFormat::Plain(Kind::Float)).unwrap()
    }

    /// Keys and values of heads that all lie side by side.
    pub(super) fn only(entries: &[Entries<'_>]) -> (Tensor, Tensor) {
        let [Entries { keys, values, .. }] = entries else { panic!("one part") };
        (keys.expand(Kind::Float).unwrap(), values.expand(Kind::Float).unwrap())
    }

    /// Where the entries of the first layer stand.
    pub(super) fn positions(cache: &KvCache) -> Positions {
        cache.layers[0].entries(0).unwrap()[0].positions.clone()
    }

    pub(super) fn entries(start: i64, count: i64) -> Tensor {
        let positions = Tensor::arange_start(start, start + count, (Kind::Float, Device::Cpu));
        positions.view([1, 1, count, 1]).expand([1, 3, count, 4], false)
    }

    #[test]
    fn a_question_sees_the_context_but_not_the_question_before_it() {
        let mut cache = cache(8);
        cache.append(0, &entries(0, 5), &entries(0, 5)).unwrap();
        cache.advance(5);
        cache.append(0, &entries(10, 2), &entries(10, 2)).unwrap();
        cache.advance(2);
        cache.truncate(5);
        cache.append(0, &entries(20, 1), &entries(20, 1)).unwrap();
        let (keys, _) = only(&cache.entries(0, 1).unwrap());
        assert!(keys.equal(&Tensor::cat(&[entries(0, 5), entries(20, 1)], 2)));
    }

    #[test]
    fn more_tokens_than_it_has_room_for_are_an_error() {
        let mut cache = cache(4);
        let error = cache.append(0, &entries(0, 5), &entries(0, 5)).unwrap_err();
        assert!(error.to_string().contains('5'), "{error}");
    }
}
