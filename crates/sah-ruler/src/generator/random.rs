//! Random draws that are the same on every machine and in every release.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The draws of one row for one purpose: `ChaCha8` seeded with all that the row is.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowSeed {
    pub(super) seed: u64,
    pub(super) task: u32,
    pub(super) length: u64,
    pub(super) row: u64,
}

/// What draws are for. Each has a stream of its own, so that one more unit of haystack changes nothing else of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// Keys, values, names: what is asked about.
    Content,
    /// Where it stands.
    Places,
    /// The haystack around it.
    Haystack,
    /// The worked example before it.
    Example,
}

/// A stream of draws.
#[derive(Clone, Debug)]
pub(super) struct Random(ChaCha8Rng);

impl RowSeed {
    pub(super) fn random(self, purpose: Purpose) -> Random {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.task.to_le_bytes());
        bytes[12..16].copy_from_slice(&(purpose as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.length.to_le_bytes());
        bytes[24..].copy_from_slice(&self.row.to_le_bytes());
        Random(ChaCha8Rng::from_seed(bytes))
    }
}

impl Random {
    /// The draws that are the same in all rows.
    pub(super) fn fixed(number: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(number))
    }

    /// 0 to `end - 1`, each as likely: draws that would favour some are drawn again.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = end as u64;
        let fair = u64::MAX - u64::MAX % end;
        loop {
            let drawn = self.0.next_u64();
            if drawn < fair {
                return (drawn % end) as usize;
            }
        }
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    /// Fisher and Yates.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// `count` distinct ones of 0 to `end - 1`, in ascending order. `count` is at most `end`.
    pub(super) fn distinct(&mut self, count: usize, end: usize) -> Vec<usize> {
        // Floyd: one draw for each.
        let mut chosen = std::collections::BTreeSet::new();
        for last in end - count..end {
            let drawn = self.below(last + 1);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }

    /// A number of seven digits.
    pub(super) fn seven_digits(&mut self) -> String {
        (1_000_000 + self.below(9_000_000)).to_string()
    }

    /// A UUID of version 4.
    pub(super) fn uuid(&mut self) -> String {
        let high = self.0.next_u64() & !0xf000 | 0x4000;
        let low = self.0.next_u64() & !(0b11 << 62) | 0b10 << 62;
        let [a, b, c] = [high >> 32, high >> 16 & 0xffff, high & 0xffff];
        format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
    }

    /// Letters from `first` on, of which there are 26.
    pub(super) fn letters(&mut self, first: u8, count: usize) -> String {
        (0..count).map(|_| char::from(first + self.below(26) as u8)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_every_machine() {
        let seed = RowSeed { seed: 42, task: 1, length: 4096, row: 0 };
        let mut random = seed.random(Purpose::Content);
        let drawn = [random.seven_digits(), random.uuid(), random.letters(b'A', 5)];
        assert_eq!(drawn, seed_42());
        let other = RowSeed { row: 1, ..seed }.random(Purpose::Content).seven_digits();
        assert_ne!(other, drawn[0]);
    }

    fn seed_42() -> [&'static str; 3] {
        ["5263866", "d767f3dc-01d3-4de4-8731-ab473c2a9525", "ZRAPM"]
    }

    #[test]
    fn distinct_draws_are_distinct_and_fair() {
        let mut random = Random::fixed(1);
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            let drawn = random.distinct(3, 10);
            assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]) && drawn.len() == 3);
            for i in drawn {
                counts[i] += 1;
            }
        }
        // 3,000 each; the standard deviation is 46.
        assert!(counts.iter().all(|count| count.abs_diff(3000) < 230), "{counts:?}");
        assert_eq!(random.distinct(4, 4), [0, 1, 2, 3]);
    }
}
