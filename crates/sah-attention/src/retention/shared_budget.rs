//! Heads share a budget without any floor.

use serde::{Deserialize, Serialize};

use super::{Budget, KeyChoice, LayerScores, RetentionInfo, RetentionRule, Rule, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the keys with the largest scores over all heads, of the model or of each layer. A head may lose all of its keys.
///
#[doc = include_str!("../../docs/retentions/shared_budget.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedBudget {
    /// Which heads share one.
    #[serde(default)]
    pub over: Sharing,
}

/// Which heads share a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Those of all layers.
    #[default]
    Model,
    /// Those of each layer.
    Layer,
}

impl RetentionRule for SharedBudget {
    const INFO: RetentionInfo = RetentionInfo {
        name: "shared_budget",
        about: "heads share the budget of the model, or of their layer, by the scores of their keys",
        fields: &[FieldInfo::optional("over", "model, layer", "model")],
        source: "KVzip, arXiv 2505.23416",
        cost: "L Hkv n",
        memory: "n for each KV head",
        looks_at: "scores",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::choice(*self))
    }
}

impl KeyChoice for SharedBudget {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn choose(&self, layers: &[LayerScores], counts: &[usize], budget: Budget) -> Vec<Vec<Vec<usize>>> {
        let of_each = match self.over {
            Sharing::Model => layers.len().max(1),
            Sharing::Layer => 1,
        };
        let groups = layers.chunks(of_each).zip(counts.chunks(of_each));
        groups.flat_map(|(layers, counts)| best_of(layers, counts, budget)).collect()
    }
}

/// The best keys of all heads of `layers`.
fn best_of(layers: &[LayerScores], counts: &[usize], budget: Budget) -> Vec<Vec<Vec<usize>>> {
    let heads: Vec<&Vec<f32>> = layers.iter().flat_map(LayerScores::heads).collect();
    let n = heads.first().map_or(0, |head| head.len());
    let all = heads.len() * n;
    let is_even = counts.iter().all(|&count| count == budget.keys(n));
    let count = match budget {
        // The number that is dropped is truncated here, as in kvpress.
        Budget::Ratio(ratio) if is_even => all - (all as f64 * ratio) as usize,
        _ => layers.iter().zip(counts).map(|(layer, count)| layer.heads().len() * count).sum(),
    };
    let mut kept = toolkit::best_of_heads(&heads, count).into_iter();
    layers.iter().map(|layer| kept.by_ref().take(layer.heads().len()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_all_stay_wherever_they_are() {
        let layers: Vec<LayerScores> =
            [vec![vec![9.0, 8.0, 7.0], vec![1.0, 2.0, 3.0]], vec![vec![0.0, 0.5, 6.0], vec![5.0, 0.0, 0.0]]]
                .map(LayerScores::from)
                .into();
        let choose =
            |over, budget: Budget| SharedBudget { over }.choose(&layers, &[budget.keys(3); 2], budget);
        let half = choose(Sharing::Model, Budget::Ratio(0.5));
        assert_eq!(half, [[vec![0, 1, 2], vec![2]], [vec![2], vec![0]]]);
        let of_layers = choose(Sharing::Layer, Budget::Ratio(0.5));
        assert_eq!(of_layers, [[vec![0, 1, 2], vec![]], [vec![1, 2], vec![0]]]);
        // Of 12 keys int(12 x 0.7) = 8 go.
        assert_eq!(
            choose(Sharing::Model, Budget::Ratio(0.7)).iter().flatten().map(Vec::len).sum::<usize>(),
            4
        );
        assert_eq!(choose(Sharing::Model, Budget::Keys(1)), [[vec![0, 1, 2], vec![]], [vec![2], vec![]]]);
    }
}
