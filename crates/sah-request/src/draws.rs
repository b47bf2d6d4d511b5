//! Which random numbers an answer draws.

use serde::{Deserialize, Serialize};

/// Which random numbers an answer draws: with the same seed always the same ones, wherever its question stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Draws {
    /// Which of several answers to one question it is, from 0. Each has a seed of its own.
    pub repeat: u64,
    /// The stream of that seed from which tokens are drawn: a number that belongs to the question alone. Maskers that sample
    /// go by the seed, so that questions about one context share what they remember of it.
    pub stream: u64,
}

impl Draws {
    /// The seed of this repeat in a run that has `seed`: that one for the first.
    #[must_use]
    pub fn seed(self, seed: u64) -> u64 {
        match self.repeat {
            0 => seed,
            repeat => mix(seed ^ mix(repeat)),
        }
    }
}

/// One step of `SplitMix64` (Steele, Lea and Flood 2014): spreads nearby numbers over all 64 bits.
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Draws, mix};

    #[test]
    fn each_repeat_has_a_seed_of_its_own_and_the_first_that_of_the_run() {
        let seed = |repeat, seed| Draws { repeat, stream: 7 }.seed(seed);
        assert_eq!(seed(0, 42), 42);
        let all: HashSet<u64> =
            (0..40).flat_map(|of_run| (0..64).map(move |repeat| seed(repeat, of_run))).collect();
        assert_eq!(all.len(), 40 * 64);
    }

    /// The first values of the reference implementation from state 0 (Vigna, `splitmix64.c`).
    #[test]
    fn mix_is_a_step_of_splitmix64() {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let values = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
        assert_eq!([0, STEP, STEP.wrapping_mul(2)].map(mix), values);
    }
}
