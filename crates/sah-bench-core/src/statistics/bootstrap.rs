//! The bootstrap (Efron 1979, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1-26) with
//! percentile intervals.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::estimate::{Estimate, Interval};

/// Scores that belong together: the rows of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Stratum {
    /// What the mean of the values counts for.
    pub weight: f64,
    /// A value for each row.
    pub values: Vec<f64>,
}

/// Draws samples from the rows that there are, as often as there are rows, with replacement.
///
/// A figure is a weighted sum of means over strata,
///
/// ```text
/// f = sum over strata s of  w_s * (1 / n_s) * sum over rows i of s of  x_i
/// ```
///
/// and its interval is from the 2.5th to the 97.5th percentile of the same sum over samples drawn anew in each stratum. With one
/// stratum of weight 1 that is a mean; of the differences of paired rows, the paired bootstrap; with weights 1 and -1, a
/// difference of means of unpaired rows; with K strata of weight 1/K, the mean over K tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// How many samples are drawn. One less than a multiple of 40, so that the percentiles are samples themselves.
    pub resamples: usize,
    /// Seed of the draws: the same seed gives the same interval.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 9_999, seed: 42 }
    }
}

impl Bootstrap {
    /// The mean of `values`; `None` where there are none.
    #[must_use]
    pub fn mean(&self, values: Vec<f64>) -> Option<Estimate> {
        let rows = values.len();
        self.estimate(&[Stratum { weight: 1.0, values }], rows)
    }

    /// The weighted sum of the strata's means, made of so many rows; `None` where there is no stratum or one is empty.
    ///
    /// A stratum of one row cannot say how far it is off: there is no interval then.
    #[must_use]
    pub fn estimate(&self, strata: &[Stratum], rows: usize) -> Option<Estimate> {
        if strata.is_empty() || strata.iter().any(|stratum| stratum.values.is_empty()) {
            return None;
        }
        let mean = |stratum: &Stratum| stratum.values.iter().sum::<f64>() / stratum.values.len() as f64;
        let value = strata.iter().map(|stratum| stratum.weight * mean(stratum)).sum();
        let has_interval = strata.iter().all(|stratum| stratum.values.len() > 1);
        let interval = has_interval.then(|| self.interval(strata));
        Some(Estimate { value, interval, rows })
    }

    fn interval(&self, strata: &[Stratum]) -> Interval {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut drawn_mean = |values: &[f64]| {
            // The high half of the product is uniform below the length, but for a bias of length / 2^32.
            let mut draw = || values[((u64::from(random.next_u32()) * values.len() as u64) >> 32) as usize];
            (0..values.len()).map(|_| draw()).sum::<f64>() / values.len() as f64
        };
        let mut sum = || strata.iter().map(|stratum| stratum.weight * drawn_mean(&stratum.values)).sum();
        let mut sums: Vec<f64> = (0..self.resamples).map(|_| sum()).collect();
        sums.sort_by(f64::total_cmp);
        // The k-th of B sorted values lies at the share k / (B + 1).
        let end = ((self.resamples + 1) / 40).max(1);
        Interval { low: sums[end - 1], high: sums[self.resamples - end] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(random: &mut ChaCha8Rng) -> f64 {
        (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(random: &mut ChaCha8Rng) -> f64 {
        let radius = (-2.0 * (1.0 - uniform(random)).ln()).sqrt();
        radius * (std::f64::consts::TAU * uniform(random)).cos()
    }

    fn interval(estimate: Option<Estimate>) -> (f64, f64) {
        let Interval { low, high } = estimate.unwrap().interval.unwrap();
        (low, high)
    }

    #[test]
    fn the_interval_of_a_normal_mean_is_1_96_standard_errors() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let values: Vec<f64> = (0..400).map(|_| 50.0 + 10.0 * normal(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / 400.0;
        let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
        let expected = 1.96 * deviation / 20.0;
        let (low, high) = interval(Bootstrap::default().mean(values));
        // The percentiles of 9,999 draws are off by about 2 % of a standard error.
        assert!((mean - low - expected).abs() < 0.06 * expected, "{low} {mean} {expected}");
        assert!((high - mean - expected).abs() < 0.06 * expected, "{high} {mean} {expected}");
    }

    /// Of 95 % intervals about 95 % have the true mean in them.
    #[test]
    fn intervals_cover_the_true_mean_as_often_as_they_say() {
        let bootstrap = Bootstrap { resamples: 999, seed: 7 };
        let covered = |draw: fn(&mut ChaCha8Rng) -> f64, truth: f64| {
            let mut random = ChaCha8Rng::seed_from_u64(2);
            let mut covers = || {
                let (low, high) = interval(bootstrap.mean((0..60).map(|_| draw(&mut random)).collect()));
                low <= truth && truth <= high
            };
            (0..500).filter(|_| covers()).count()
        };
        // Standard error of a count of 500 at 0.95: 4.9. The percentile method is a little narrow.
        let of_normal = covered(normal, 0.0);
        assert!((455..=490).contains(&of_normal), "{of_normal}");
        let of_right_answers = covered(|random| 100.0 * f64::from(uniform(random) < 0.3), 30.0);
        assert!((455..=490).contains(&of_right_answers), "{of_right_answers}");
    }

    /// Two sides that vary together: the difference of each row is 1 with a spread of 0.5, the spread of rows is 20.
    #[test]
    fn pairs_show_a_difference_that_unpaired_rows_hide() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let base: Vec<f64> = (0..200).map(|_| 20.0 * normal(&mut random)).collect();
        let other: Vec<f64> = base.iter().map(|x| x + 1.0 + 0.5 * normal(&mut random)).collect();
        let bootstrap = Bootstrap::default();
        let paired = bootstrap.mean(base.iter().zip(&other).map(|(base, other)| other - base).collect());
        let strata = [Stratum { weight: 1.0, values: other }, Stratum { weight: -1.0, values: base }];
        let unpaired = bootstrap.estimate(&strata, 200);
        assert!((paired.unwrap().value - unpaired.unwrap().value).abs() < 1e-9);
        let ((low, high), (wide_low, wide_high)) = (interval(paired), interval(unpaired));
        assert!(low > 0.8 && high < 1.2, "{low} {high}");
        assert!(wide_low < 0.0 && wide_high > 2.0, "{wide_low} {wide_high}");
    }

    #[test]
    fn the_mean_over_tasks_weighs_each_task_the_same() {
        let task = |values: &[f64]| Stratum { weight: 0.5, values: values.to_vec() };
        let estimate = Bootstrap::default().estimate(&[task(&[100.0; 30]), task(&[0.0, 100.0])], 32).unwrap();
        assert!((estimate.value - 75.0).abs() < 1e-9);
        // The second task has a quarter of its samples at 0, a quarter at 100, the first never moves.
        assert_eq!(estimate.interval, Some(Interval { low: 50.0, high: 100.0 }));
    }

    #[test]
    fn a_seed_gives_the_same_interval_and_one_row_gives_none() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let of_seed = |seed| Bootstrap { seed, ..Bootstrap::default() }.mean(values.clone()).unwrap();
        assert_eq!(of_seed(1), of_seed(1));
        assert_ne!(of_seed(1), of_seed(2));
        let alone = Bootstrap::default().mean(vec![40.0]).unwrap();
        assert_eq!(alone, Estimate { value: 40.0, interval: None, rows: 1 });
        assert_eq!(Bootstrap::default().mean(Vec::new()), None);
    }
}
