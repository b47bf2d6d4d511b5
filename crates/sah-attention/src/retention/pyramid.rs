//! More keys in lower layers than in upper ones.

use serde::{Deserialize, Serialize};

use super::{Budget, LayerBudgets, RetentionInfo, RetentionRule, Rule};
use crate::error::{Error, Result};
use crate::masker::FieldInfo;

/// Gives lower layers more keys than upper ones, and the same in the mean.
///
#[doc = include_str!("../../docs/retentions/pyramid.md")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pyramid {
    /// How much less the last layer keeps than the mean: one part in so many.
    #[serde(default = "default_beta")]
    pub beta: f64,
}

fn default_beta() -> f64 {
    20.0
}

impl RetentionRule for Pyramid {
    const INFO: RetentionInfo = RetentionInfo {
        name: "pyramid",
        about: "more keys in lower layers than in upper ones",
        fields: &[FieldInfo::optional("beta", "a number from 1", "20")],
        source: "PyramidKV, arXiv 2406.02069",
        cost: "none",
        memory: "none",
        looks_at: "nothing",
    };

    fn build(&self) -> Result<Rule> {
        if !(self.beta >= 1.0 && self.beta.is_finite()) {
            let found = self.beta.to_string();
            return Err(Error::Field { field: "beta", expected: "a number from 1", found });
        }
        Ok(Rule::layers(*self))
    }
}

impl LayerBudgets for Pyramid {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn counts(&self, budget: Budget, n: usize, layers: usize, window: usize) -> Vec<usize> {
        let (all, window) = (n as f64, window as f64);
        let mean = match budget {
            Budget::Ratio(ratio) => all * (1.0 - ratio),
            Budget::Keys(_) => budget.keys(n) as f64,
        };
        let mut least = mean / self.beta;
        let mut most = mean * 2.0 - least;
        if most >= all - window {
            most = all - window;
            least = mean * 2.0 - most;
        }
        let rounded = |keys: f64| (keys.round_ties_even() as usize).clamp(1.min(n), n);
        if !(all >= most && most >= least && least >= window) {
            return vec![rounded(mean); layers];
        }
        let step = if layers > 1 { (most - least) / (layers - 1) as f64 } else { 0.0 };
        (0..layers).map(|layer| rounded(most - layer as f64 * step)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_kvpress() {
        let counts = |n, ratio, layers| Pyramid { beta: 20.0 }.counts(Budget::Ratio(ratio), n, layers, 64);
        // Seen in runs of kvpress 0.5.5 on a model of four layers, and on SmolLM2.
        assert_eq!(counts(600, 0.5, 4), [536, 379, 221, 64]);
        let of_smol = counts(624, 0.3, 30);
        assert_eq!((of_smol[0], of_smol[29]), (560, 314));
        let of_smol = counts(624, 0.5, 30);
        assert_eq!((of_smol[0], of_smol[29]), (560, 64));
        assert_eq!(counts(624, 0.6, 30), [250; 30], "too few for a pyramid");
        assert_eq!(counts(600, 0.8, 2), [120; 2], "rounded, not truncated");
        assert_eq!(counts(3, 0.9, 2), [1; 2]);
        assert_eq!(counts(600, 0.5, 1), [536]);
    }
}
