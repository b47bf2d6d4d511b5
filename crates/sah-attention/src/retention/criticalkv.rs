//! Keys whose values matter to the layer's output.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{ContextLayer, Needs, Refinement, RetentionInfo, RetentionRule, Rule, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps a part of each head's keys by their scores, and the others by scores times what their values give to the layer's output.
///
#[doc = include_str!("../../docs/retentions/criticalkv.md")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriticalKv {
    /// The share of a head's keys that stay by their scores alone.
    #[serde(default = "default_first_stage")]
    pub first_stage: f64,
    /// What is added to scores before they are multiplied.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
}

fn default_first_stage() -> f64 {
    0.5
}

fn default_epsilon() -> f64 {
    1e-4
}

impl RetentionRule for CriticalKv {
    const INFO: RetentionInfo = RetentionInfo {
        name: "criticalkv",
        about: "half by scores, half by what values give to the output as well",
        fields: &[
            FieldInfo::optional("first_stage", "a share from 0 to 1", "0.5"),
            FieldInfo::optional("epsilon", "a number from 0", "0.0001"),
        ],
        source: "CriticalKV, arXiv 2502.03805",
        cost: "H n D hidden",
        memory: "a layer's output projection in f32, n for each KV head",
        looks_at: "scores, values, the output projection",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::share("first_stage", self.first_stage)?;
        toolkit::not_negative("epsilon", self.epsilon)?;
        Ok(Rule::refinement(*self))
    }
}

impl Refinement for CriticalKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn needs(&self) -> Needs {
        Needs { output: true, ..Needs::queries(1) }
    }

    fn factors(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        context.output_norms()
    }

    fn choose(&self, scores: &[f32], factors: &[f32], count: usize, safe: usize) -> Vec<usize> {
        let first = (count as f64 * self.first_stage) as usize;
        let least = if self.first_stage > 0.0 { safe.max(1) } else { safe };
        let mut refined: Vec<f32> = scores
            .iter()
            .zip(factors)
            .map(|(score, factor)| (score + self.epsilon as f32) * factor)
            .collect();
        for key in toolkit::best(scores, first.max(least).min(count)) {
            refined[key] = f32::MAX;
        }
        toolkit::best(&refined, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_keys_stay_by_their_scores() {
        let critical = CriticalKv { first_stage: 0.5, epsilon: 0.0 };
        let (scores, factors) = ([5.0, 4.0, 3.0, 2.0, 1.0], [0.1, 0.1, 1.0, 2.0, 9.0]);
        let choose = |count, safe| critical.choose(&scores, &factors, count, safe);
        // The best by score; then 4 x 0.1, 3 x 1, 2 x 2 and 1 x 9.
        assert_eq!(choose(2, 0), [0, 4]);
        assert_eq!(choose(4, 0), [0, 1, 3, 4]);
        assert_eq!(choose(3, 2), [0, 1, 4], "two are safe");
        assert_eq!(choose(1, 0), [0], "one at least");
        let by_factors = CriticalKv { first_stage: 0.0, epsilon: 0.0 };
        assert_eq!(by_factors.choose(&scores, &factors, 1, 0), [4]);
    }
}
