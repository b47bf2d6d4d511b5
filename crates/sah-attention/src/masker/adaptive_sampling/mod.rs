//! Adaptive sampling (vAttention): as many sampled keys as a promised accuracy needs.

mod budget;
mod mass;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use self::budget::Promise;
use self::mass::log_mass;
use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::toolkit::{
    Candidates, RandomStream, RowSample, Selected, add_samples, each_row, exact_scores_at, padded_rows,
    row_blocks,
};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::LayerState;

/// Parameters of the [`AdaptiveSamplingMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveSamplingConfig {
    /// Keys of the first sample, from which the spread is estimated: a count, or a fraction below 1 of the row's
    /// candidates; at least 2 are drawn. 0 turns the masker off.
    #[serde(deserialize_with = "Size::deserialize_or_zero")]
    pub base_rate_sampling: Size,
    /// Relative error of the softmax denominator, in (0, 1).
    pub epsilon: f64,
    /// Probability with which the error may be larger on one side, in (0, 1).
    pub delta: f64,
    /// Keys at the start that are never sampled: usually as many as the sinks.
    #[serde(deserialize_with = "Size::deserialize_or_zero")]
    pub init_offset: Size,
    /// Keys at the end that are never sampled: usually as many as the local window.
    #[serde(deserialize_with = "Size::deserialize_or_zero")]
    pub local_offset: Size,
}

impl MaskerConfig for AdaptiveSamplingConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "adaptive_sampling",
        about: "as many random keys as a promised accuracy of the denominator needs",
        fields: &[
            FieldInfo::required(
                "base_rate_sampling",
                "a count from 0, or {\"fraction\": f} with f in [0, 1)",
            ),
            FieldInfo::required("epsilon", "in (0, 1)"),
            FieldInfo::required("delta", "in (0, 1)"),
            FieldInfo::size_or_zero("init_offset"),
            FieldInfo::size_or_zero("local_offset"),
        ],
        source: "vAttention, arXiv 2510.05688",
        cost: "(selected keys + m) D multiplications",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(AdaptiveSamplingMasker::new(*self)?))
    }
}

/// Samples, for every head and query row, as many of the remaining keys as it takes to estimate the softmax denominator
/// within `epsilon`, except with probability `delta`.
///
#[doc = include_str!("../../../docs/maskers/adaptive_sampling.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveSamplingMasker {
    config: AdaptiveSamplingConfig,
    promise: Promise,
}

impl AdaptiveSamplingMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: AdaptiveSamplingConfig) -> Result<Self> {
        match config.base_rate_sampling.validate_or_zero("base_rate_sampling")? {
            Size::Fraction(fraction) if fraction >= 1.0 => {
                let found = fraction.to_string();
                let expected = "in [0, 1) as a fraction";
                return Err(Error::Field { field: "base_rate_sampling", expected, found });
            }
            _ => {}
        }
        config.init_offset.validate_or_zero("init_offset")?;
        config.local_offset.validate_or_zero("local_offset")?;
        let promise = Promise::new(config.epsilon, config.delta)?;
        Ok(Self { config, promise })
    }

    /// Keys of the first sample out of `candidates`.
    fn base(&self, candidates: usize) -> usize {
        self.config.base_rate_sampling.of(candidates).max(2).min(candidates)
    }
}

/// What a row has to sample from, and what its first sample is.
struct First {
    candidates: Candidates,
    keys: Vec<i64>,
    random: RandomStream,
}

impl Masker for AdaptiveSamplingMasker {
    fn name(&self) -> &'static str {
        "adaptive_sampling"
    }

    fn is_sampling(&self) -> bool {
        true
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        let disabled = matches!(self.config.base_rate_sampling, Size::Count(0) | Size::Fraction(0.0));
        if previous.is_full() || disabled {
            return Ok(previous);
        }
        let start = self.config.init_offset.of(dims.keys);
        let end = dims.keys.saturating_sub(self.config.local_offset.of(dims.keys));
        if end.saturating_sub(start) < 2 {
            return Ok(Mask::full(dims.mask_shape()));
        }

        let (seed, visible) = (state.seed(dims.keys), inputs.visible());
        let selected = Selected::of(&previous)?;
        let mut first = each_row(inputs, |head, row| {
            let read = visible.row(row);
            let within = read.start.max(start)..read.end.min(end);
            let candidates = selected.remaining(head, row, within);
            let mut random = RandomStream::new(seed, (head * dims.queries + row) as u64);
            let ranks = random.subset(candidates.len(), self.base(candidates.len()));
            let keys = ranks.into_iter().map(|rank| candidates.nth(rank) as i64).collect();
            First { candidates, keys, random }
        });
        let keys: Vec<Vec<i64>> = first.iter_mut().map(|first| std::mem::take(&mut first.keys)).collect();
        let Some(indices) = padded_rows(inputs, &keys, -1)? else { return Ok(previous) };
        let scores = listed_scores(inputs, &indices)?;
        let log_static = Vec::<f64>::try_from(log_mass(inputs, &previous)?.f_reshape([-1])?)?;
        let width = indices.size()[3] as usize;

        let samples: Vec<RowSample> = first
            .into_iter()
            .zip(scores.chunks_exact(width))
            .zip(log_static)
            .zip(&keys)
            .map(|(((mut first, scores), log_static), keys)| {
                let total = first.candidates.len();
                if total < 2 {
                    return keys.iter().map(|&key| (key as usize, 1.0)).collect();
                }
                let budget = self.promise.budget(total, &scores[..keys.len()], log_static);
                let probability = (budget as f64 / total as f64) as f32;
                let ranks = first.random.subset(total, budget);
                ranks.into_iter().map(|rank| (first.candidates.nth(rank), probability)).collect()
            })
            .collect();
        add_samples(inputs, previous, &samples)
    }
}

/// Scores of `indices`, `[B, H, Q, N]`, one after the other.
fn listed_scores(inputs: &AttentionInputs<'_>, indices: &Tensor) -> Result<Vec<f64>> {
    let dims = inputs.dims();
    let mut blocks = Vec::new();
    for rows in row_blocks(dims, indices.size()[3] as usize * dims.head_dim) {
        blocks.push(exact_scores_at(inputs, rows, indices)?);
    }
    Ok(Vec::try_from(Tensor::f_cat(&blocks, 2)?.f_to_kind(Kind::Double)?.f_reshape([-1])?)?)
}
