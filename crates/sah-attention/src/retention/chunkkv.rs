//! Whole chunks of the text.

use serde::{Deserialize, Serialize};

use super::{Budget, KeyChoice, LayerScores, RetentionInfo, RetentionRule, Rule, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps whole chunks of the text, the same in all heads of a layer, by the mean score of their keys.
///
#[doc = include_str!("../../docs/retentions/chunkkv.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkKv {
    /// Tokens of a chunk.
    #[serde(default = "default_length")]
    pub length: usize,
}

fn default_length() -> usize {
    20
}

impl RetentionRule for ChunkKv {
    const INFO: RetentionInfo = RetentionInfo {
        name: "chunkkv",
        about: "whole chunks of the text, the same in all heads of a layer",
        fields: &[FieldInfo::optional("length", "a count from 1", "20")],
        source: "ChunkKV, arXiv 2502.00299",
        cost: "Hkv n",
        memory: "n for each KV head",
        looks_at: "scores",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("length", self.length)?;
        Ok(Rule::choice(*self))
    }
}

impl KeyChoice for ChunkKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn chooses_single_keys(&self) -> bool {
        false
    }

    fn choose(&self, layers: &[LayerScores], counts: &[usize], budget: Budget) -> Vec<Vec<Vec<usize>>> {
        toolkit::layer_by_layer(layers, counts, |scores, count| self.of_layer(scores, count, budget))
    }
}

impl ChunkKv {
    fn of_layer(self, scores: &[Vec<f32>], count: usize, budget: Budget) -> Vec<Vec<usize>> {
        let n = scores.first().map_or(0, Vec::len);
        if n < self.length {
            return scores.iter().map(|head| toolkit::best(head, count)).collect();
        }
        let chunks: Vec<std::ops::Range<usize>> =
            (0..n).step_by(self.length).map(|start| start..n.min(start + self.length)).collect();
        let mean = |chunk: &std::ops::Range<usize>| {
            let of_head =
                |head: &Vec<f32>| head[chunk.clone()].iter().map(|&score| f64::from(score)).sum::<f64>();
            (scores.iter().map(of_head).sum::<f64>() / chunk.len() as f64) as f32
        };
        let means: Vec<f32> = chunks.iter().map(mean).collect();
        let of_layer = if count == budget.keys(n) { budget } else { Budget::Keys(count) };
        let best = toolkit::best(&means, of_layer.of_parts(chunks.len(), n));
        let kept: Vec<usize> = best.into_iter().flat_map(|chunk| chunks[chunk].clone()).collect();
        vec![kept; scores.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_stay_whole_and_the_last_may_be_shorter() {
        let choose = |scores: &[Vec<f32>], ratio: f64| {
            let budget = Budget::Ratio(ratio);
            ChunkKv { length: 2 }.of_layer(scores, budget.keys(scores[0].len()), budget)
        };
        let scores = [vec![0.0, 0.0, 1.0, 2.0, 9.0], vec![5.0, 0.0, 2.0, 1.0, 9.0]];
        assert_eq!(choose(&scores, 0.6), [[4], [4]], "of three chunks one, which has one key");
        assert_eq!(choose(&scores, 0.3), [[2, 3, 4], [2, 3, 4]]);
        assert_eq!(choose(&scores, 0.9), [[4], [4]], "one at least");
        assert_eq!(choose(&[vec![3.0]], 0.5), [[0]], "shorter than a chunk");
    }

    #[test]
    fn as_many_chunks_stay_as_in_kvpress() {
        let scores = vec![(0..624).map(|key| key as f32).collect::<Vec<f32>>()];
        let kept = ChunkKv { length: 20 }.of_layer(&scores, 312, Budget::Ratio(0.5));
        assert_eq!(kept[0].len(), 304, "15 of 32 and the last of 4 tokens");
    }
}
