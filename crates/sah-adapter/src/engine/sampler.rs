//! From logits to the next token.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use tch::{Device, Tensor};

use super::processors::Processors;
use super::warpers;
use crate::{Draws, Error, Sampling};

/// Chooses the tokens of one answer.
pub(super) struct Sampler<'a> {
    sampling: &'a Sampling,
    processors: Processors,
    random: ChaCha8Rng,
}

impl<'a> Sampler<'a> {
    /// For the answer that has these `draws`.
    pub(super) fn new(sampling: &'a Sampling, processors: Processors, draws: Draws) -> Self {
        let start = match sampling {
            Sampling::Greedy => 0,
            Sampling::Random(random) => draws.seed(random.seed),
        };
        let mut random = ChaCha8Rng::seed_from_u64(start);
        random.set_stream(draws.stream);
        Self { sampling, processors, random }
    }

    /// The next token by `logits`, `[vocabulary]`.
    pub(super) fn choose(&mut self, logits: &Tensor) -> Result<u32, Error> {
        if self.processors.is_empty() && *self.sampling == Sampling::Greedy {
            return argmax(logits);
        }
        let mut logits = Vec::<f32>::try_from(&logits.f_to_device(Device::Cpu)?)?;
        // One comparison with NaN below would already choose a token by chance.
        if !self.processors.replace_nan() && logits.iter().any(|logit| logit.is_nan()) {
            return Err(Error::NotANumber);
        }
        self.processors.process(&mut logits);
        let token = match self.sampling {
            Sampling::Greedy => warpers::most_likely(&logits),
            Sampling::Random(random) => {
                warpers::restrict(&mut logits, random);
                warpers::draw(&logits, uniform(self.random.next_u64()))
            }
        };
        self.processors.push(token);
        Ok(token)
    }
}

/// 53 random bits as a number in [0, 1).
fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The most likely token; the first of several. Logits that are no numbers are an error, never token 0.
fn argmax(logits: &Tensor) -> Result<u32, Error> {
    let (value, index) = logits.f_max_dim(0, false)?;
    if value.f_double_value(&[])?.is_nan() {
        return Err(Error::NotANumber);
    }
    Ok(index.f_int64_value(&[])? as u32)
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::Sampler;
    use crate::engine::logit_rules::LogitRules;
    use crate::engine::processors::{AnswerLimits, Processors};
    use crate::{Draws, Error, RandomSampling, RepetitionPenalty, Sampling};

    fn sampler<'a>(sampling: &'a Sampling, rules: &LogitRules, prompt: &[u32], draws: Draws) -> Sampler<'a> {
        let limits = AnswerLimits { eos: &[], max_new_tokens: 64 };
        Sampler::new(sampling, Processors::new(rules, limits, prompt.iter().copied()), draws)
    }

    fn random(seed: u64) -> Sampling {
        Sampling::Random(RandomSampling { seed, ..RandomSampling::default() })
    }

    fn drawn(sampling: &Sampling, repeat: u64, stream: u64, logits: &Tensor) -> Vec<u32> {
        let mut sampler = sampler(sampling, &LogitRules::default(), &[], Draws { repeat, stream });
        (0..64).map(|_| sampler.choose(logits).unwrap()).collect()
    }

    #[test]
    fn the_same_seed_repeat_and_stream_draw_the_same_tokens() {
        let logits = Tensor::from_slice(&[0.0_f32; 16]);
        let first = drawn(&random(1), 0, 0, &logits);
        assert_eq!(first, drawn(&random(1), 0, 0, &logits));
        assert_ne!(first, drawn(&random(2), 0, 0, &logits));
        assert_ne!(first, drawn(&random(1), 0, 1, &logits));
        assert_ne!(first, drawn(&random(1), 1, 0, &logits));
        assert_eq!(drawn(&random(1), 1, u64::MAX, &logits), drawn(&random(1), 1, u64::MAX, &logits));
        assert!(first.iter().any(|&token| token != first[0]), "{first:?}");
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_likely() {
        let shares = [0.5_f32, 0.3, 0.15, 0.05];
        let logits = Tensor::from_slice(&shares.map(f32::ln));
        let sampling = random(3);
        let mut sampler = sampler(&sampling, &LogitRules::default(), &[], Draws::default());
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[sampler.choose(&logits).unwrap() as usize] += 1;
        }
        // Chi-squared with 3 degrees of freedom: above 16.3 once in a thousand seeds, and the seed is fixed.
        let distance: f64 = counts
            .iter()
            .zip(shares)
            .map(|(&count, share)| {
                let expected = 10_000.0 * f64::from(share);
                (f64::from(count) - expected).powi(2) / expected
            })
            .sum();
        assert!(distance < 16.3, "{counts:?}");
    }

    #[test]
    fn a_penalty_counts_prompt_and_answer() {
        let logits = Tensor::from_slice(&[2.0_f32, 1.9, 1.8, -1.0]);
        let repetition_penalty = Some(RepetitionPenalty::try_from(1.2).unwrap());
        let rules = LogitRules { repetition_penalty, ..LogitRules::default() };
        let mut sampler = sampler(&Sampling::Greedy, &rules, &[0], Draws::default());
        let chosen: Vec<u32> = (0..4).map(|_| sampler.choose(&logits).unwrap()).collect();
        assert_eq!(chosen, [1, 2, 0, 0]);
    }

    #[test]
    fn logits_that_are_no_numbers_are_an_error() {
        let logits = Tensor::from_slice(&[1.0_f32, f32::NAN]);
        for sampling in [Sampling::Greedy, random(0)] {
            let mut sampler = sampler(&sampling, &LogitRules::default(), &[], Draws::default());
            assert!(matches!(sampler.choose(&logits), Err(Error::NotANumber)));
            let rules = LogitRules { remove_invalid_values: true, ..LogitRules::default() };
            let mut sampler = self::sampler(&Sampling::Greedy, &rules, &[], Draws::default());
            assert_eq!(sampler.choose(&logits).unwrap(), 0, "0 stands for what is no number");
        }
    }
}
