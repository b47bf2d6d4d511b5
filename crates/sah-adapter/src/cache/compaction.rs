//! A cache of which only some entries stay, others in each layer and head.

use super::{KvCache, Layer, bytes};
use crate::Error;

impl KvCache {
    /// The entries `kept` of each layer and KV head, ascending numbers of those that are there, and room for `room` tokens after
    /// them. The buffers of a layer are freed before those of the next are made.
    pub(crate) fn compact(mut self, kept: &[Vec<Vec<usize>>], room: usize) -> Result<Self, Error> {
        self.shrink(kept, room)?;
        Ok(self)
    }

    /// The same in place.
    pub(crate) fn shrink(&mut self, kept: &[Vec<Vec<usize>>], room: usize) -> Result<(), Error> {
        let mut now = self.bytes();
        for (layer, kept) in self.layers.iter_mut().zip(kept) {
            let compacted = layer.compacted(kept, self.length, room)?;
            let both = now + compacted.bytes();
            self.peak = self.peak.max(both);
            now = both - layer.bytes();
            *layer = compacted;
        }
        let layers = std::mem::take(&mut self.layers);
        *self = self.compacted(layers, room, self.peak);
        sah_tensor::give_back_freed();
        Ok(())
    }

    /// The same as a cache of its own.
    pub(crate) fn compact_copy(&self, kept: &[Vec<Vec<usize>>], room: usize) -> Result<Self, Error> {
        let of_layer = |(layer, kept): (&Layer, &Vec<Vec<usize>>)| layer.compacted(kept, self.length, room);
        let layers = self.layers.iter().zip(kept).map(of_layer).collect::<Result<Vec<Layer>, Error>>()?;
        let both = self.bytes() + bytes(&layers);
        Ok(self.compacted(layers, room, self.peak.max(both)))
    }

    fn compacted(&self, layers: Vec<Layer>, room: usize, peak: usize) -> Self {
        let before = self.before + self.length;
        let memory = self.memory.share();
        Self { layers, before, length: 0, capacity: room, kept: self.kept, peak, memory, marked: None }
    }

    /// Entries of a layer and KV head, those that were left of what was read first and those after them.
    pub(crate) fn stored(&self, layer: usize, head: usize) -> usize {
        self.layers.get(layer).map_or(0, |layer| layer.kept_of(head)) + self.length
    }

    /// Entries that were left of what was read first, of each layer and KV head.
    pub(crate) fn kept_keys(&self) -> Vec<Vec<usize>> {
        self.layers.iter().map(|layer| layer.kept().collect()).collect()
    }

    /// The share of the tokens before the entries of all heads that were left, in the mean over layers and heads.
    pub(crate) fn kept_share(&self) -> f64 {
        let kept: Vec<usize> = self.layers.iter().flat_map(Layer::kept).collect();
        kept.iter().sum::<usize>() as f64 / (kept.len() * self.before).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use sah_attention::{KvFormat, Positions};
    use tch::{Device, Kind, Tensor};

    use crate::cache::tests::{cache, entries, shape};
    use crate::cache::{Entries, KvCache, Slots};

    /// Of a cache of ten entries in two layers of three heads: all heads alike in the first layer, each its own in the second.
    fn kept() -> Vec<Vec<Vec<usize>>> {
        vec![vec![vec![0, 3, 8]; 3], vec![vec![1], vec![0, 2, 4, 6, 9], vec![]]]
    }

    fn filled(count: i64) -> KvCache {
        let mut cache = cache(count as usize);
        for layer in 0..2 {
            cache.append(layer, &entries(0, count), &entries(100, count)).unwrap();
        }
        cache.advance(count as usize);
        cache
    }

    /// The first element of each key of each head.
    fn keys(entries: &[Entries<'_>]) -> Vec<Vec<f32>> {
        let of_part = |part: &Entries<'_>| {
            let keys = part.keys.expand(Kind::Float).unwrap();
            assert!((&keys + 100.0).equal(&part.values.expand(Kind::Float).unwrap()) || keys.size()[2] > 5);
            let of_head = |head| Vec::try_from(keys.get(0).get(head).select(1, 0).contiguous()).unwrap();
            (0..part.heads.len() as i64).map(of_head).collect::<Vec<_>>()
        };
        entries.iter().flat_map(of_part).collect()
    }

    #[test]
    fn each_head_keeps_its_own_and_goes_on() {
        let cache = filled(10);
        for mut cache in [cache.compact_copy(&kept(), 4).unwrap(), cache.compact(&kept(), 4).unwrap()] {
            let stored = |layer| [0, 1, 2].map(|head| cache.stored(layer, head));
            assert_eq!((cache.length(), stored(0), stored(1)), (10, [3; 3], [1, 5, 0]));
            assert!((cache.kept_share() - 0.25).abs() < 1e-12);
            let bytes = 2 * (3 * (3 + 4) + (1 + 5 + 3 * 4)) * 4 * 4;
            assert_eq!(cache.bytes(), bytes, "rows of four numbers, and no more of them than there are");
            assert_eq!(cache.kept_keys(), [[3; 3], [1, 5, 0]]);
            assert_eq!(cache.stored_bytes().unwrap(), 2 * (3 * 3 + 1 + 5) * 4 * 4, "without the room");
            for round in 0..2 {
                let (new, values) = (entries(10, 2), entries(110, 2));
                for layer in 0..2 {
                    cache.append(layer, &new, &values).unwrap();
                }
                let first = cache.entries(0, 2).unwrap();
                assert_eq!(keys(&first), vec![vec![0.0, 3.0, 8.0, 10.0, 11.0]; 3], "round {round}");
                assert_eq!(first[0].positions, &Positions::listed(vec![0, 3, 8], 10).unwrap());
                let second = cache.entries(1, 2).unwrap();
                let expected =
                    [vec![1.0, 10.0, 11.0], vec![0.0, 2.0, 4.0, 6.0, 9.0, 10.0, 11.0], vec![10.0, 11.0]];
                assert_eq!(keys(&second), expected, "round {round}");
                assert_eq!(second[2].positions, &Positions::listed(vec![], 10).unwrap());
                cache.advance(2);
                assert_eq!(cache.length(), 12);
                cache.truncate(10);
            }
            assert!(cache.append(0, &entries(10, 5), &entries(10, 5)).is_err(), "there is room for four");
        }
    }

    #[test]
    fn what_is_left_may_be_compacted_again() {
        let mut cache = filled(10).compact(&kept(), 2).unwrap();
        for layer in 0..2 {
            cache.append(layer, &entries(10, 2), &entries(110, 2)).unwrap();
        }
        cache.advance(2);
        // Of 0, 3, 8, 10, 11 in all heads; of 1, 10, 11, of 0, 2, 4, 6, 9, 10, 11, and of 10, 11.
        let again = vec![vec![vec![1, 4], vec![0, 2], vec![2]], vec![vec![0, 2], vec![3, 5], vec![]]];
        let mut cache = cache.compact(&again, 1).unwrap();
        assert_eq!((cache.length(), cache.stored(0, 1), cache.stored(1, 2)), (12, 2, 0));
        for layer in 0..2 {
            cache.append(layer, &entries(12, 1), &entries(112, 1)).unwrap();
        }
        let (first, second) = (cache.entries(0, 1).unwrap(), cache.entries(1, 1).unwrap());
        assert_eq!(keys(&first), [vec![3.0, 11.0, 12.0], vec![0.0, 8.0, 12.0], vec![8.0, 12.0]]);
        assert_eq!(keys(&second), [vec![1.0, 11.0, 12.0], vec![6.0, 10.0, 12.0], vec![12.0]]);
        assert_eq!(second[0].positions, &Positions::listed(vec![1, 11], 12).unwrap());
    }

    #[test]
    fn a_layer_is_freed_before_the_next_is_copied() {
        let cache = filled(10);
        let (first, second, whole) = (2 * 3 * 7 * 16, 2 * (6 + 3 * 4) * 16, 2 * 3 * 10 * 16);
        assert_eq!((cache.bytes(), cache.peak_bytes()), (2 * whole, 2 * whole));
        assert_eq!(cache.compact_copy(&kept(), 4).unwrap().peak_bytes(), 2 * whole + first + second);
        assert_eq!(cache.compact(&kept(), 4).unwrap().peak_bytes(), 2 * whole + first);
    }

    #[test]
    fn slots_follow_what_is_kept() {
        let mut cache = filled(10).compact(&kept(), 6).unwrap();
        let mut slots = Slots::after(&mut cache, 2, 2).unwrap();
        for (slot, first) in [20, 30].into_iter().enumerate() {
            for layer in 0..2 {
                slots.cache().append(layer, &entries(first, 1), &entries(first + 100, 1)).unwrap();
            }
            slots.cache().advance(1);
            slots.take(slot).unwrap();
        }
        for layer in 0..2 {
            slots.append(layer, 1, &entries(31, 1), &entries(131, 1)).unwrap();
        }
        assert_eq!(slots.length(1), 11);
        let expected = [vec![1.0, 30.0, 31.0], vec![0.0, 2.0, 4.0, 6.0, 9.0, 30.0, 31.0], vec![30.0, 31.0]];
        assert_eq!(keys(&slots.gather(1, 1).unwrap()), expected);
        // The same by ranges of the buffers, of all and of the last two positions.
        let read = |layer: usize, window: Option<usize>| -> Vec<Vec<f32>> {
            let buffer = slots.buffers(layer).0.expand(Kind::Float).unwrap().get(0).get(0).select(1, 0);
            let values = |range: &std::ops::Range<usize>| {
                let values = buffer.narrow(0, range.start as i64, range.len() as i64);
                Vec::<f32>::try_from(values.contiguous()).unwrap()
            };
            let ranges = slots.ranges(layer, &[1], window);
            ranges.iter().map(|row| row.iter().flat_map(values).collect()).collect()
        };
        assert_eq!(read(1, None), expected);
        assert_eq!(read(1, Some(2)), vec![vec![30.0, 31.0]; 3]);
        assert_eq!(read(1, Some(3))[1], [9.0, 30.0, 31.0]);
        assert_eq!(read(1, Some(1)), vec![vec![31.0]; 3]);
        assert_eq!(read(0, Some(5)), [[8.0, 30.0, 31.0]], "one list for heads that lie side by side");
    }

    #[test]
    fn rows_of_a_question_end_at_themselves() {
        let mut cache = filled(10).compact(&kept(), 6).unwrap();
        cache.append(1, &entries(10, 2), &entries(110, 2)).unwrap();
        let rows = |window| -> Vec<Vec<usize>> {
            let ranges = cache.row_ranges(1, 2, window);
            ranges.iter().map(|row| row.iter().cloned().flatten().collect()).collect()
        };
        // Rows 0 to 6 are of the first head, 7 to 17 of the second, 18 to 23 of the third.
        let (first, second) = ([0, 1], [7, 8, 9, 10, 11, 12]);
        let all = [&first[..], &[0, 1, 2], &second, &[7, 8, 9, 10, 11, 12, 13], &[18], &[18, 19]];
        assert_eq!(rows(None), all);
        assert_eq!(rows(Some(2))[2..4], [vec![11, 12], vec![12, 13]]);
    }

    #[test]
    fn formats_of_the_cache_are_kept() {
        let shape = shape(1, 2, 4);
        let mut cache = KvCache::new(&shape, 8, KvFormat::Int8).unwrap();
        let rows = Tensor::arange(64, (Kind::Float, Device::Cpu)).view([1, 2, 8, 4]);
        cache.append(0, &rows, &rows).unwrap();
        let whole = cache.entries(0, 8).unwrap()[0].keys.expand(Kind::Float).unwrap();
        cache.advance(8);
        let kept = vec![vec![vec![1, 5], vec![7]]];
        let mut cache = cache.compact(&kept, 1).unwrap();
        let new = rows.narrow(2, 0, 1);
        cache.append(0, &new, &new).unwrap();
        let entries = cache.entries(0, 1).unwrap();
        for (part, (head, kept)) in entries.iter().zip([(0, vec![1_i64, 5, 0]), (1, vec![7, 0])]) {
            let expected = whole.narrow(1, head, 1).index_select(2, &Tensor::from_slice(&kept));
            assert!(part.keys.expand(Kind::Float).unwrap().equal(&expected));
        }
    }
}
