//! Random numbers that depend on a seed and nothing else.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One of 2^64 independent streams of a seed (`ChaCha8`): one a row, so that the order of rows does not matter.
#[derive(Debug)]
pub struct RandomStream(ChaCha8Rng);

impl RandomStream {
    /// Stream number `stream` of `seed`.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self(random)
    }

    /// Uniform in `0..bound`, which must be above 0.
    ///
    /// The high half of a 128-bit product, drawn again where the low half would favour some values (Lemire 2019, arXiv
    /// 1805.10941).
    pub fn below(&mut self, bound: u64) -> u64 {
        let favoured = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(bound);
            if product as u64 >= favoured {
                return (product >> 64) as u64;
            }
        }
    }

    /// `count` different numbers below `total`, in rising order; every set of them is as likely as every other (Floyd's
    /// algorithm, Bentley and Floyd 1987). `count` must not exceed `total`.
    ///
    /// # Panics
    ///
    /// Where it does.
    pub fn subset(&mut self, total: usize, count: usize) -> Vec<usize> {
        assert!(count <= total, "{count} of {total} numbers");
        let mut drawn = vec![0_u64; total.div_ceil(64)];
        for last in total - count..total {
            let number = self.below(last as u64 + 1) as usize;
            let taken = drawn[number / 64] >> (number % 64) & 1 == 1;
            let number = if taken { last } else { number };
            drawn[number / 64] |= 1 << (number % 64);
        }
        let mut numbers = Vec::with_capacity(count);
        for (word, mut bits) in drawn.into_iter().enumerate() {
            while bits != 0 {
                numbers.push(word * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
        numbers
    }

    /// `count` standard normal numbers (Box and Muller 1958).
    pub fn normals(&mut self, count: usize) -> Vec<f32> {
        let mut normals = Vec::with_capacity(count + 1);
        while normals.len() < count {
            // In (0, 1], so that the logarithm is finite.
            let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * self.unit()).sin_cos();
            normals.push((radius * cos) as f32);
            normals.push((radius * sin) as f32);
        }
        normals.truncate(count);
        normals
    }

    /// Uniform in `[0, 1)`.
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let first = |seed, stream| RandomStream::new(seed, stream).below(u64::MAX);
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(1, 3));
        assert_ne!(first(1, 2), first(2, 2));
    }

    /// 10 subsets of 5 numbers, 20,000 draws: each has 2,000 expected, standard deviation 42.
    #[test]
    fn subsets_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for stream in 0..20_000 {
            let subset = RandomStream::new(3, stream).subset(5, 3);
            assert!(subset.is_sorted_by(|a, b| a < b) && subset.len() == 3);
            *counts.entry(subset).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 10);
        for (subset, count) in counts {
            assert!((count - 2000).abs() < 5 * 42, "{subset:?}: {count}");
        }
        assert_eq!(RandomStream::new(0, 0).subset(130, 130), (0..130).collect::<Vec<_>>());
        assert!(RandomStream::new(0, 0).subset(3, 0).is_empty());
    }

    /// Mean, variance and fourth moment of 200,000 numbers, five standard errors each.
    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let normals = RandomStream::new(9, 0).normals(200_000);
        let moment = |power| normals.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / 200_000.0;
        assert!(moment(1).abs() < 5.0 * 0.0023);
        assert!((moment(2) - 1.0).abs() < 5.0 * 0.0032);
        assert!((moment(4) - 3.0).abs() < 5.0 * 0.022);
        assert_eq!(RandomStream::new(9, 0).normals(3).len(), 3);
    }
}
