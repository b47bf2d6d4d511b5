//! How many keys a promise needs.

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

/// A relative error, and a quantile of the standard normal distribution that says how surely it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Promise {
    epsilon: f64,
    quantile: f64,
}

impl Promise {
    /// An error above `epsilon` on one side with probability at most `delta`; both in (0, 1).
    pub(super) fn new(epsilon: f64, delta: f64) -> Result<Self> {
        for (field, value) in [("epsilon", epsilon), ("delta", delta)] {
            if !(value > 0.0 && value < 1.0) {
                return Err(Error::Field { field, expected: "in (0, 1)", found: value.to_string() });
            }
        }
        let level = Tensor::f_full([1], 1.0 - delta, (Kind::Double, Device::Cpu))?;
        let quantile = level.f_special_ndtri()?.f_double_value(&[0])?;
        // From a delta of one half on, any sample keeps the promise.
        Ok(Self { epsilon, quantile: quantile.max(0.0) })
    }

    /// Number of keys to sample out of `total`, by the `scores` of a first sample of at least 2 of them, with
    /// `log_static` the logarithm of the denominator that is known exactly.
    pub(super) fn budget(&self, total: usize, scores: &[f64], log_static: f64) -> usize {
        // A common factor of all exponentials cancels.
        let max = scores.iter().copied().fold(log_static, f64::max);
        let (count, known) = (scores.len() as f64, (log_static - max).exp());
        let exponentials: Vec<f64> = scores.iter().map(|score| (score - max).exp()).collect();
        let mean = exponentials.iter().sum::<f64>() / count;
        let squares: f64 = exponentials.iter().map(|exponential| (exponential - mean).powi(2)).sum();
        let sigma = (squares / (count - 1.0)).sqrt().max(1e-8);
        self.keys(total, sigma, known + total as f64 * mean).clamp(scores.len(), total)
    }

    /// `trunc((z sigma n / (epsilon D))^2)`, between 1 and `n`.
    fn keys(&self, total: usize, sigma: f64, denominator: f64) -> usize {
        let total = total as f64;
        let spread = self.quantile * sigma * total / (self.epsilon * denominator).max(1e-8);
        (spread * spread).clamp(1.0, total) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_the_closed_form() {
        for (epsilon, delta, budget) in [(0.2, 0.2, 1770), (0.25, 0.25, 727), (0.5, 0.5, 1), (0.2, 0.1, 4105)]
        {
            let promise = Promise::new(epsilon, delta).unwrap();
            assert_eq!(promise.keys(100_000, 1.0, 1e4), budget, "{epsilon}, {delta}");
        }
        let quantile = |delta| Promise::new(0.1, delta).unwrap().quantile;
        assert!((quantile(0.05) - 1.644_854).abs() < 1e-6);
        assert!(quantile(0.6) <= 0.0, "a delta above one half asks for nothing");
    }

    #[test]
    fn a_budget_lies_between_the_first_sample_and_all() {
        let promise = Promise::new(0.05, 0.05).unwrap();
        assert_eq!(promise.budget(1000, &[1.0; 7], f64::NEG_INFINITY), 7, "no spread");
        assert_eq!(promise.budget(1000, &[0.0, 50.0, 0.0], f64::NEG_INFINITY), 1000, "all spread");
        assert_eq!(promise.budget(1000, &[0.0, 50.0, 0.0], 1000.0), 3, "what is known outweighs everything");
        assert_eq!(promise.budget(1000, &[-1000.0, -1010.0], -1e4), 1000, "far below zero");
        let shifted = |by: f64| promise.budget(1000, &[by, by + 0.3, by - 0.2, by + 0.1], by + 2.0);
        assert_eq!(shifted(0.0), shifted(500.0), "a common factor changes nothing");
        assert!((5..1000).contains(&shifted(0.0)));
    }

    #[test]
    fn ranges_are_checked() {
        let message = |epsilon, delta| Promise::new(epsilon, delta).unwrap_err().to_string();
        assert_eq!(message(0.0, 0.1), "epsilon must be in (0, 1), got 0");
        assert_eq!(message(0.1, 1.0), "delta must be in (0, 1), got 1");
        assert_eq!(message(f64::NAN, 0.1), "epsilon must be in (0, 1), got NaN");
    }
}
