//! A cache whose older entries are packed in groups of codes.

use super::{KvCache, Layer, bytes};
use crate::Error;

impl KvCache {
    /// Packs the older entries of each layer and head as the format says, for good: they are only read from then on. The buffers of a
    /// layer are freed before those of the next are made.
    pub(crate) fn pack(mut self) -> Result<Self, Error> {
        let mut now = self.bytes();
        for layer in &mut self.layers {
            let packed = layer.packed(self.length)?;
            let both = now + packed.bytes();
            self.peak = self.peak.max(both);
            now = both - layer.bytes();
            *layer = packed;
        }
        sah_tensor::give_back_freed();
        Ok(self)
    }

    /// Whether older entries are to be packed.
    pub(crate) fn packs(&self) -> bool {
        self.layers.first().is_some_and(|layer| layer.buffers().0.format().packs())
    }

    /// The same as a cache of its own.
    pub(crate) fn pack_copy(&self) -> Result<Self, Error> {
        let layers = self.layers.iter().map(|layer: &Layer| layer.packed(self.length));
        let layers = layers.collect::<Result<Vec<Layer>, Error>>()?;
        let peak = self.peak.max(self.bytes() + bytes(&layers));
        let Self { before, length, capacity, kept, .. } = *self;
        let memory = self.memory.share();
        Ok(Self { layers, before, length, capacity, kept, peak, memory, marked: None })
    }
}

#[cfg(test)]
mod tests {
    use sah_attention::{KiviBits, KvFormat};
    use tch::{Device, Kind, Tensor};

    use crate::cache::tests::shape;
    use crate::cache::{KvCache, Slots};

    const KIVI: KvFormat = KvFormat::Kivi { bits: KiviBits::Four, plain: Kind::Float };

    fn rows(start: i64, count: i64) -> Tensor {
        let numbers = Tensor::arange_start(start * 16, (start + count) * 16, (Kind::Float, Device::Cpu));
        (numbers.view([1, count, 2, 8]).transpose(1, 2) * 0.37).sin()
    }

    /// Holds `count` entries, in two layers of two heads.
    fn filled(count: i64, room: usize) -> KvCache {
        let shape = shape(2, 2, 8);
        let mut cache = KvCache::new(&shape, count as usize + room, KIVI).unwrap();
        for layer in 0..2 {
            cache.append(layer, &rows(0, count), &(rows(0, count) - 1.0)).unwrap();
        }
        cache.advance(count as usize);
        cache
    }

    /// Keys of all heads of a layer with one part, or of part `part`.
    fn keys(cache: &KvCache, new: usize, part: usize) -> Tensor {
        cache.entries(1, new).unwrap()[part].keys.expand(Kind::Float).unwrap()
    }

    fn largest(one: &Tensor, other: &Tensor) -> f64 {
        (one - other).abs().max().double_value(&[])
    }

    #[test]
    fn older_entries_are_packed_and_the_cache_goes_on() {
        let full = filled(300, 12);
        for mut cache in [full.pack_copy().unwrap(), filled(300, 12).pack().unwrap()] {
            assert_eq!((cache.length(), cache.capacity()), (300, 312));
            // 160 of 300: whole groups of 32, and no fewer than 128 after them.
            let (old, recent) =
                (keys(&cache, 0, 0).narrow(2, 0, 160), keys(&cache, 0, 0).narrow(2, 160, 140));
            let error = largest(&old, &rows(0, 160));
            assert!(error > 1e-4 && error < 2.0 / 15.0 / 2.0 + 1e-3, "{error}");
            assert!(recent.equal(&rows(160, 140)));
            // 4 bytes of codes, and four of scale and minimum: for each channel of 32 keys, and for each value.
            let packed = 160 * 4 + 5 * 8 * 4 + 160 * (4 + 4);
            assert_eq!(cache.bytes(), 2 * 2 * (packed + 2 * 152 * 32));
            for start in [300, 400] {
                for layer in 0..2 {
                    cache.append(layer, &rows(start, 3), &rows(start, 3)).unwrap();
                }
                assert!(keys(&cache, 3, 0).narrow(2, 300, 3).equal(&rows(start, 3)));
                cache.advance(3);
                cache.truncate(300);
            }
            let mut slots = Slots::after(&mut cache, 2, 4).unwrap();
            slots.cache().append(1, &rows(500, 2), &rows(500, 2)).unwrap();
            slots.cache().advance(2);
            slots.take(1).unwrap();
            slots.append(1, 1, &rows(502, 1), &rows(502, 1)).unwrap();
            let gathered = slots.gather(1, 1).unwrap()[0].keys.expand(Kind::Float).unwrap();
            assert!(
                gathered.narrow(2, 300, 3).equal(&rows(500, 3)) && gathered.narrow(2, 0, 160).equal(&old)
            );
            assert_eq!(slots.ranges(1, &[1], None), [[0..300, 308..311]]);
        }
        assert!(keys(&full, 0, 0).equal(&rows(0, 300)), "the copied one is as it was");
    }

    #[test]
    fn what_a_retention_left_is_packed_head_by_head() {
        let every = |step: usize| (0..300).step_by(step).collect::<Vec<_>>();
        let kept = [vec![every(1), every(1)], vec![every(1), every(2)]];
        let mut cache = filled(300, 0).compact(&kept, 5).unwrap().pack().unwrap();
        for layer in 0..2 {
            cache.append(layer, &rows(300, 2), &rows(300, 2)).unwrap();
        }
        let (first, second) = (keys(&cache, 2, 0), keys(&cache, 2, 1));
        assert_eq!((first.size()[2], second.size()[2]), (302, 152));
        for (found, step, packed) in [(first, 1, 160), (second, 2, 0)] {
            let head = i64::from(step == 2);
            let all = rows(0, 302).narrow(1, head, 1);
            let kept: Vec<i64> = (0..300).step_by(step).chain(300..302).collect();
            let expected = all.index_select(2, &Tensor::from_slice(&kept));
            let count = expected.size()[2];
            let old = |keys: &Tensor| keys.narrow(2, 0, packed);
            assert!(packed == 0 || largest(&old(&found), &old(&expected)) < 0.08, "{step}");
            assert!(found.narrow(2, packed, count - packed).equal(&expected.narrow(
                2,
                packed,
                count - packed
            )));
        }
    }
}
