//! A cache that keeps only the keys that may still be read.

use sah_attention::{KeptKeys, Positions};

use super::{KvCache, Layer};
use crate::Error;

/// Entries beyond those that must stay: one compaction makes room for so many tokens.
const SLACK: usize = 256;

impl KvCache {
    /// Evicts all but `kept` whenever it is full, from now on.
    pub(crate) fn evicting(self, kept: KeptKeys) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// Makes room for `new` entries where it may evict others.
    pub(crate) fn make_room(&mut self, new: usize) -> Result<(), Error> {
        let Some(kept) = self.kept else { return Ok(()) };
        let stored = self.stored(0, 0);
        if self.length + new <= self.capacity || stored <= kept.count() {
            return Ok(());
        }
        let room = stored - self.length + self.capacity - kept.count();
        let (entries, positions) = self.staying(kept);
        self.shrink(&entries, room)?;
        self.stand_at(&positions);
        Ok(())
    }

    /// A cache of its own with the entries of `kept` and room for `at_once` tokens in one pass, then for `in_turn` single ones,
    /// for which it evicts others as it needs to.
    pub(crate) fn fork(&self, kept: KeptKeys, at_once: usize, in_turn: usize) -> Result<Self, Error> {
        let spare = kept.count().saturating_sub(self.stored(0, 0));
        let (entries, positions) = self.staying(kept);
        let mut fork = self.compact_copy(&entries, at_once + in_turn.min(spare.saturating_add(SLACK)))?;
        fork.stand_at(&positions);
        Ok(fork.evicting(kept))
    }

    /// The numbers of the entries of `kept` in each layer and KV head, and where these stand.
    fn staying(&self, kept: KeptKeys) -> (Vec<Vec<Vec<usize>>>, Positions) {
        let stored = self.stored(0, 0);
        let sinks = stored.min(kept.sinks);
        let window = (stored - sinks).min(kept.window);
        let entries: Vec<usize> = (0..sinks).chain(stored - window..stored).collect();
        let positions = Positions::with_gap(sinks, self.length() - entries.len());
        let of_heads = |layer: &Layer| vec![entries.clone(); layer.kept().count()];
        (self.layers.iter().map(of_heads).collect(), positions)
    }

    /// Says that the entries of all layers and heads stand at `positions`: what is missing is never read.
    fn stand_at(&mut self, positions: &Positions) {
        self.layers.iter_mut().for_each(|layer| layer.stand_at(positions));
    }
}

#[cfg(test)]
mod tests {
    use sah_attention::{KeptKeys, Positions};
    use tch::Tensor;

    use super::SLACK;
    use crate::cache::KvCache;
    use crate::cache::tests::{cache, entries, only, positions};

    const KEPT: KeptKeys = KeptKeys { sinks: 2, window: 3 };

    /// Appends entries `start..start + count` to both layers and gives all keys of the second.
    fn append(cache: &mut KvCache, start: i64, count: i64) -> Tensor {
        cache.make_room(count as usize).unwrap();
        let new = entries(start, count);
        for layer in 0..2 {
            cache.append(layer, &new, &new).unwrap();
        }
        let (keys, values) = only(&cache.entries(1, count as usize).unwrap());
        assert!(keys.equal(&values));
        cache.advance(count as usize);
        keys
    }

    fn of(ranges: &[(i64, i64)]) -> Tensor {
        Tensor::cat(&ranges.iter().map(|&(start, end)| entries(start, end - start)).collect::<Vec<_>>(), 2)
    }

    #[test]
    fn a_full_cache_evicts_the_middle() {
        let mut cache = cache(8).evicting(KEPT);
        assert!(append(&mut cache, 0, 8).equal(&of(&[(0, 8)])));
        assert_eq!((cache.length(), positions(&cache)), (8, Positions::WHOLE), "nothing goes before it must");
        assert!(append(&mut cache, 8, 1).equal(&of(&[(0, 2), (5, 9)])));
        assert_eq!(positions(&cache), Positions::with_gap(2, 3));
        for position in 9..100 {
            let keys = append(&mut cache, position, 1);
            let stored = keys.size()[2];
            assert!(stored <= 8 && keys.equal(&of(&[(0, 2), (position + 3 - stored, position + 1)])));
            assert_eq!(cache.length() as i64, position + 1, "positions go on");
        }
        cache.make_room(4).unwrap();
        assert!(cache.append(0, &entries(100, 4), &entries(100, 4)).is_err(), "what is kept stays");
    }

    #[test]
    fn forks_grow_apart() {
        let mut whole = cache(40);
        let _ = append(&mut whole, 0, 40);
        let mut of_whole = whole.fork(KEPT, 0, 0).unwrap();
        assert_eq!((of_whole.length(), of_whole.stored(0, 0)), (40, 5));
        assert_eq!(of_whole.stored_bytes().unwrap(), whole.bytes() / 8);
        assert_eq!(of_whole.peak_bytes(), whole.bytes() + of_whole.bytes());
        let mut questions = [0, 1].map(|_| of_whole.fork(KEPT, 4, 0).unwrap());
        for (question, start) in questions.iter_mut().zip([100, 200]) {
            assert!(append(question, start, 4).equal(&of(&[(0, 2), (37, 40), (start, start + 4)])));
            let last = append(question, start + 4, 2);
            assert!(last.equal(&of(&[(0, 2), (start + 1, start + 6)])));
            assert_eq!(positions(question), Positions::with_gap(2, 39));
        }
        of_whole.make_room(1).unwrap();
        assert_eq!(of_whole.length(), 40, "there is nothing to evict");
        // Fewer entries than may stay are all of them.
        let mut short = cache(40);
        let _ = append(&mut short, 0, 4);
        let mut of_short = short.fork(KEPT, 3, 0).unwrap();
        assert_eq!((of_short.capacity(), positions(&of_short)), (3, Positions::WHOLE));
        assert!(append(&mut of_short, 4, 3).equal(&of(&[(0, 7)])));
        // One token that may stay, two at once, and the slack, however many are to come.
        let mut slides = short.fork(KEPT, 2, 1000).unwrap();
        assert_eq!(slides.capacity(), 2 + 1 + SLACK);
        let _ = append(&mut slides, 4, 2);
        for position in 6..1006 {
            let _ = append(&mut slides, position, 1);
        }
        assert_eq!(short.fork(KEPT, 2, 10).unwrap().capacity(), 12);
    }

    #[test]
    fn sinks_or_a_window_alone_may_be_kept() {
        for (kept, expected) in [
            (KeptKeys { sinks: 3, window: 0 }, of(&[(0, 3), (9, 10)])),
            (KeptKeys { sinks: 0, window: 3 }, of(&[(6, 10)])),
        ] {
            let mut cache = cache(9).evicting(kept);
            let _ = append(&mut cache, 0, 9);
            assert!(append(&mut cache, 9, 1).equal(&expected), "{kept:?}");
        }
    }
}
