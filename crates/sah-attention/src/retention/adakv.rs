//! Heads share a budget.

use serde::{Deserialize, Serialize};

use super::{Budget, KeyChoice, LayerScores, RetentionInfo, RetentionRule, Rule, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the keys of a layer with the largest scores over all its heads, and a share of the even budget in each head.
///
#[doc = include_str!("../../docs/retentions/adakv.md")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaKv {
    /// The share of an even budget that every head keeps in any case.
    #[serde(default = "default_alpha")]
    pub alpha: f64,
    /// What that share does.
    #[serde(default)]
    pub safeguard: Safeguard,
}

/// How heads are kept from losing everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Safeguard {
    /// A floor: the share stays in each head, and all the rest goes to the largest scores, as in kvpress.
    #[default]
    Floor,
    /// A mixture, as the authors have it: each head has the share, and of the rest what it would have without a safeguard.
    Mixture,
}

fn default_alpha() -> f64 {
    0.2
}

impl RetentionRule for AdaKv {
    const INFO: RetentionInfo = RetentionInfo {
        name: "adakv",
        about: "heads share the budget of a layer by the scores of their keys",
        fields: &[
            FieldInfo::optional("alpha", "a share from 0 to 1", "0.2"),
            FieldInfo::optional("safeguard", "floor, mixture", "floor"),
        ],
        source: "Ada-KV, arXiv 2407.11550",
        cost: "Hkv n",
        memory: "n for each KV head",
        looks_at: "scores",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::share("alpha", self.alpha)?;
        Ok(Rule::choice(*self))
    }
}

impl KeyChoice for AdaKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn safe(&self, count: usize) -> usize {
        let safe = (count as f64 * self.alpha) as usize;
        match self.safeguard {
            Safeguard::Floor if self.alpha > 0.0 => safe.clamp(1.min(count), count),
            Safeguard::Floor | Safeguard::Mixture => 0,
        }
    }

    fn choose(&self, layers: &[LayerScores], counts: &[usize], _: Budget) -> Vec<Vec<Vec<usize>>> {
        toolkit::layer_by_layer(layers, counts, |scores, count| match self.safeguard {
            Safeguard::Floor => self.above_a_floor(scores, count),
            Safeguard::Mixture => self.mixed(scores, count),
        })
    }
}

impl AdaKv {
    fn above_a_floor(&self, scores: &[Vec<f32>], count: usize) -> Vec<Vec<usize>> {
        let mut raised: Vec<Vec<f32>> = scores.to_vec();
        for (head, raised) in scores.iter().zip(&mut raised) {
            for key in toolkit::best(head, self.safe(count)) {
                raised[key] = f32::MAX;
            }
        }
        toolkit::best_of_heads(&raised, count * raised.len())
    }

    fn mixed(&self, scores: &[Vec<f32>], count: usize) -> Vec<Vec<usize>> {
        let free = toolkit::best_of_heads(scores, count * scores.len());
        let each = (count as f64 * self.alpha) as usize;
        let mixed =
            |free: &Vec<usize>| ((1.0 - self.alpha) * free.len() as f64).round_ties_even() as usize + each;
        scores.iter().zip(&free).map(|(head, free)| toolkit::best(head, mixed(free).max(1))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(alpha: f64, safeguard: Safeguard, scores: &[&[f32]], count: usize) -> Vec<Vec<usize>> {
        let scores: Vec<Vec<f32>> = scores.iter().map(|head| head.to_vec()).collect();
        AdaKv { alpha, safeguard }.choose(&[scores.into()], &[count], Budget::Ratio(0.5)).remove(0)
    }

    #[test]
    fn heads_share_a_budget_above_a_floor() {
        let scores: [&[f32]; 2] = [&[9.0, 8.0, 7.0, 6.0], &[1.0, 2.0, 5.0, 1.5]];
        assert_eq!(choose(0.0, Safeguard::Floor, &scores, 2), [vec![0, 1, 2, 3], vec![]]);
        assert_eq!(choose(0.2, Safeguard::Floor, &scores, 2), [vec![0, 1, 2], vec![2]], "one at least");
        assert_eq!(choose(1.0, Safeguard::Floor, &scores, 2), [vec![0, 1], vec![1, 2]]);
        assert_eq!(choose(0.5, Safeguard::Floor, &scores, 4), [vec![0, 1, 2, 3], vec![0, 1, 2, 3]]);
    }

    #[test]
    fn a_mixture_gives_each_head_its_share() {
        let scores: [&[f32]; 2] = [&[9.0, 8.0, 7.0, 6.0], &[1.0, 2.0, 5.0, 1.5]];
        assert_eq!(choose(0.5, Safeguard::Mixture, &scores, 2), [vec![0, 1, 2], vec![2]]);
        assert_eq!(choose(0.0, Safeguard::Mixture, &scores, 2), [vec![0, 1, 2, 3], vec![2]], "never none");
    }
}
