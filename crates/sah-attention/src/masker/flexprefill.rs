//! `FlexPrefill`: each head chooses between its own lines and blocks that look alike, and how many of them.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::{BlockRanges, Mask, RowBlocks};
use crate::masker::lines::{Lines, block_means, largest};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::LayerState;

const NAME: &str = "flexprefill";

/// Parameters of the [`FlexPrefillMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlexPrefillConfig {
    /// Share of the weights that the chosen lines or blocks hold, in `(0, 1]`.
    pub gamma: f64,
    /// Distance of a head's block means to its weights below which it goes by block means, in `[0, 1]`; 0 is never.
    pub tau: f64,
    /// Keys that each kind of lines reads at least, in whole blocks.
    pub min_budget: usize,
    /// Rows and keys of a block.
    pub block_size: usize,
}

impl MaskerConfig for FlexPrefillConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: NAME,
        about: "for --prefill: blocks along lines, or whose means are alike, as many as hold a share of the weights",
        fields: &[
            FieldInfo::required("gamma", "in (0, 1]"),
            FieldInfo::required("tau", "in [0, 1]"),
            FieldInfo::required("min_budget", "from 0"),
            FieldInfo::required("block_size", "at least 1"),
        ],
        source: "FlexPrefill, arXiv 2502.20766",
        cost: "K D block_size / Q multiplications for a call of Q rows, and K D / block_size^2",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(FlexPrefillMasker::new(*self)?))
    }
}

/// Selects, for every head, blocks of keys along vertical and slash lines, or blocks whose means are alike, as many as hold a share of the
/// weights.
///
#[doc = include_str!("../../docs/maskers/flexprefill.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlexPrefillMasker(FlexPrefillConfig);

impl FlexPrefillMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: FlexPrefillConfig) -> Result<Self> {
        let FlexPrefillConfig { gamma, tau, block_size, .. } = config;
        let wrong = |field, expected, found: String| Err(Error::Field { field, expected, found });
        if !(gamma > 0.0 && gamma <= 1.0) {
            return wrong("gamma", "in (0, 1]", gamma.to_string());
        }
        if !(0.0..=1.0).contains(&tau) {
            return wrong("tau", "in [0, 1]", tau.to_string());
        }
        if block_size == 0 {
            return wrong("block_size", "at least 1", "0".to_owned());
        }
        Ok(Self(config))
    }

    /// How many blocks' worth of the lines `weights` hold the share gamma, rounded up as the authors do.
    fn count(&self, weights: &[f32]) -> usize {
        let mut sorted = weights.to_vec();
        sorted.sort_unstable_by(|one, other| other.total_cmp(one));
        let mut sum = 0.0;
        let lines = sorted.iter().take_while(|&&weight| {
            sum += f64::from(weight);
            sum <= self.0.gamma
        });
        (lines.count() + 1) / self.0.block_size + 1
    }

    /// Marks the blocks of keys for each block of rows, `chosen` `[blocks, key blocks]`, along the lines of a head.
    fn choose_lines(&self, lines: &Lines, is_query_aware: bool, blocks: &RowBlocks, chosen: &mut [bool]) {
        let size = self.0.block_size;
        let of_keys = lines.vertical.len().div_ceil(size);
        let least = self.0.min_budget.div_ceil(size).max(1);
        let budget = |weights: &[f32]| {
            let wanted = if is_query_aware { least } else { self.count(weights).max(least) };
            wanted.min(of_keys)
        };
        let (mut vertical, mut slash) = (pooled(&lines.vertical, size), pooled(&lines.slash, size));
        vertical[0] = f32::INFINITY;
        slash[of_keys - 1] = f32::INFINITY;
        let vertical = largest(&vertical, budget(&lines.vertical));
        let slash = largest(&slash, budget(&lines.slash));
        for (block, chosen) in chosen.chunks_exact_mut(of_keys).enumerate() {
            let own = blocks.first() + block;
            vertical.iter().filter(|&&key| key <= own).for_each(|&key| chosen[key] = true);
            let distances = slash.iter().map(|&place| of_keys - 1 - place);
            distances.filter(|&distance| distance <= own).for_each(|distance| chosen[own - distance] = true);
        }
    }

    /// Marks the blocks of keys whose means are most like those of the rows, over all blocks of rows, `chosen` `[blocks, key blocks]`, as
    /// long as they do not hold more than the share gamma of all weights.
    fn choose_alike(&self, means: &[f32], of_keys: usize, blocks: &RowBlocks, chosen: &mut [bool]) {
        let wanted = self.0.gamma * blocks.count() as f64;
        let mut places: Vec<usize> = (0..means.len()).collect();
        places.retain(|&place| place % of_keys <= blocks.first() + place / of_keys);
        places.sort_by(|&one, &other| means[other].total_cmp(&means[one]));
        let mut sum = 0.0;
        for place in places {
            sum += f64::from(means[place]);
            if sum > wanted {
                break;
            }
            chosen[place] = true;
        }
    }

    /// Weights of blocks of keys for each block of rows from the means of both, `[B, H, blocks, key blocks]`, and for the mean of
    /// the last `rows` rows, `[B, H, key blocks]`; blocks of keys after a block of rows have none.
    fn weights_of_means(
        &self,
        inputs: &AttentionInputs<'_>,
        blocks: &RowBlocks,
        rows: usize,
    ) -> Result<(Tensor, Tensor)> {
        let (dims, size) = (inputs.dims(), self.0.block_size);
        let keys = block_means(&inputs.keys()?, 0, size)?;
        let keys = keys.f_repeat_interleave_self_int(dims.group() as i64, 1, None)?.f_transpose(-2, -1)?;
        let lead = dims.past() - blocks.first() * size;
        let queries = inputs.queries().f_to_kind(Kind::Float)?.f_mul_scalar(inputs.scale())?;
        let last = queries.f_narrow(2, (dims.queries - rows) as i64, rows as i64)?;
        let last = last.f_mean_dim([2i64].as_slice(), true, Kind::Float)?.f_matmul(&keys)?;
        let scores = block_means(&queries, lead, size)?.f_matmul(&keys)?;
        let later = Tensor::f_ones_like(&scores)?.f_triu(blocks.first() as i64 + 1)?.f_to_kind(Kind::Bool)?;
        let scores = scores.f_masked_fill(&later, f64::NEG_INFINITY)?;
        Ok((scores.f_softmax(-1, Kind::Float)?, last.f_squeeze_dim(2)?.f_softmax(-1, Kind::Float)?))
    }
}

/// Sums of `size` weights each, the last of what is left.
fn pooled(weights: &[f32], size: usize) -> Vec<f32> {
    weights.chunks(size).map(|weights| weights.iter().sum()).collect()
}

/// The square root of the Jensen-Shannon divergence of two distributions, with natural logarithms.
fn distance(one: &[f32], other: &[f32]) -> f64 {
    let part = |p: f64, mean: f64| if p > 0.0 { p * (p / mean).ln() } else { 0.0 };
    let terms = one.iter().zip(other).map(|(&p, &q)| {
        let (p, q) = (f64::from(p), f64::from(q));
        0.5 * (part(p, 0.5 * (p + q)) + part(q, 0.5 * (p + q)))
    });
    terms.sum::<f64>().max(0.0).sqrt()
}

impl Masker for FlexPrefillMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn for_prefill(&self) -> Option<Box<dyn Masker>> {
        Some(Box::new(*self))
    }

    fn is_for_prefill_alone(&self) -> bool {
        true
    }

    fn select(&self, inputs: &AttentionInputs<'_>, _: &mut LayerState<'_>, previous: Mask) -> Result<Mask> {
        let FlexPrefillConfig { tau, min_budget, block_size: size, .. } = self.0;
        let dims = *inputs.dims();
        let shape = dims.mask_shape();
        if previous.is_full() || dims.keys <= (2 * size).max(min_budget.next_multiple_of(size)) {
            return Ok(Mask::full(shape));
        }
        let blocks = RowBlocks::new(&shape, size)?;
        let (rows, of_keys) = (size.min(dims.queries), dims.keys.div_ceil(size));
        let lines = Lines::of(inputs, rows)?;
        let (means, last) = self.weights_of_means(inputs, &blocks, rows)?;
        let means = Vec::<f32>::try_from(means.f_reshape([-1])?)?;
        let last = Vec::<f32>::try_from(last.f_reshape([-1])?)?;
        let of_head = blocks.count() * of_keys;
        let mut chosen = vec![false; lines.len() * of_head];
        for (head, (lines, chosen)) in lines.iter().zip(chosen.chunks_exact_mut(of_head)).enumerate() {
            let last = &last[head * of_keys..][..of_keys];
            let is_query_aware = distance(last, &pooled(&lines.vertical, size)) < tau;
            self.choose_lines(lines, is_query_aware, &blocks, chosen);
            if is_query_aware {
                self.choose_alike(&means[head * of_head..][..of_head], of_keys, &blocks, chosen);
            }
        }
        let ranges = BlockRanges::of_key_blocks(&shape, blocks, &chosen)?;
        previous.merge(Mask::from_blocks(shape, ranges)?)
    }
}
