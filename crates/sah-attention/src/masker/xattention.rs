//! `XAttention`: blocks of keys whose antidiagonals have large scores.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::{BlockRanges, Mask, RowBlocks};
use crate::masker::toolkit::unfold_scores;
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::LayerState;

const NAME: &str = "xattention";

/// Parameters of the [`XAttentionMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XAttentionConfig {
    /// Share of a block row's estimated weights that the chosen blocks have at least, in `(0, 1]`.
    pub threshold: f64,
    /// Distance between antidiagonals; divides `block_size`.
    pub stride: usize,
    /// Rows and keys of a block.
    pub block_size: usize,
}

impl MaskerConfig for XAttentionConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: NAME,
        about: "for --prefill: for each block of rows, the blocks of keys with the largest antidiagonals",
        fields: &[
            FieldInfo::required("threshold", "in (0, 1]"),
            FieldInfo::required("stride", "at least 1, a divisor of the block"),
            FieldInfo::required("block_size", "at least 1"),
        ],
        source: "XAttention, arXiv 2503.16428",
        cost: "K D / stride multiplications",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(XAttentionMasker::new(*self)?))
    }
}

/// Selects, for every head and block of query rows, the blocks of keys whose antidiagonals have the largest scores.
///
#[doc = include_str!("../../docs/maskers/xattention.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct XAttentionMasker(XAttentionConfig);

impl XAttentionMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: XAttentionConfig) -> Result<Self> {
        let XAttentionConfig { threshold, stride, block_size } = config;
        let wrong = |field, expected, found: String| Err(Error::Field { field, expected, found });
        if !(threshold > 0.0 && threshold <= 1.0) {
            return wrong("threshold", "in (0, 1]", threshold.to_string());
        }
        if block_size == 0 {
            return wrong("block_size", "at least 1", "0".to_owned());
        }
        if stride == 0 || block_size % stride != 0 {
            return wrong("stride", "a divisor of block_size", format!("{stride} for {block_size}"));
        }
        Ok(Self(config))
    }

    /// Estimated weights of each block of keys for each block of rows, `[B, H, blocks, ceil(K / block_size)]` of `Float`: those of
    /// groups of `stride` rows and keys, whose scores are the means of an antidiagonal, summed over the groups of a block.
    fn sums(&self, inputs: &AttentionInputs<'_>, blocks: &RowBlocks) -> Result<Tensor> {
        let dims = *inputs.dims();
        let (stride, per_block) = (self.0.stride, self.0.block_size / self.0.stride);
        let [batch, kv_heads, dim] = [dims.batch, dims.kv_heads, dims.head_dim].map(|size| size as i64);
        let long = (stride * dims.head_dim) as i64;
        let (groups, of_keys) = (blocks.count() * per_block, dims.keys.div_ceil(self.0.block_size));
        // Rows of the first and last block that are not in the call, and keys of the last group that are not there, are zeros.
        let lead = dims.past() - blocks.first() * self.0.block_size;
        let behind = groups * stride - lead - dims.queries;
        let queries = inputs.queries().f_to_kind(Kind::Float)?;
        let queries = queries.f_constant_pad_nd([0, 0, lead as i64, behind as i64])?;
        let queries = queries.f_reshape([batch, -1, groups as i64, stride as i64, dim])?.f_flip([3])?;
        let queries = queries.f_mul_scalar(inputs.scale() / stride as f64)?;
        let queries = queries.f_reshape([batch, kv_heads, -1, long])?;
        let whole = dims.keys / stride;
        let scores_of = |keys: &Tensor| -> Result<Tensor> {
            let keys = keys.f_to_kind(Kind::Float)?.f_reshape([batch, kv_heads, -1, long])?;
            Ok(queries.f_matmul(&keys.f_transpose(-2, -1)?)?)
        };
        let mut scores = Vec::new();
        if whole > 0 {
            scores.push(scores_of(&inputs.keys_in(0..whole * stride)?)?);
        }
        if whole * stride < dims.keys {
            let missing = ((whole + 1) * stride - dims.keys) as i64;
            let last = inputs.keys_in(whole * stride..dims.keys)?;
            scores.push(scores_of(&last.f_constant_pad_nd([0, 0, 0, missing])?)?);
        }
        let scores = unfold_scores(&dims, &Tensor::f_cat(&scores, -1)?, groups)?;
        let weights = scores.f_add(&self.hidden(inputs, blocks)?)?.f_softmax(-1, Kind::Float)?;
        // Groups of rows of which none is in the call weigh nothing.
        let is_there: Vec<f32> = (0..groups)
            .map(|group| {
                let rows = group * stride..(group + 1) * stride;
                if rows.end > lead && rows.start < lead + dims.queries { 1.0 } else { 0.0 }
            })
            .collect();
        let is_there =
            Tensor::f_from_slice(&is_there)?.f_view([1, 1, -1, 1])?.f_to_device(inputs.device())?;
        let missing = (of_keys * per_block) as i64 - weights.size()[3];
        let weights = weights.f_mul(&is_there)?.f_constant_pad_nd([0, missing])?;
        let size = [dims.batch, dims.heads, blocks.count(), per_block, of_keys, per_block];
        let weights = weights.f_reshape(size.map(|size| size as i64))?;
        Ok(weights.f_sum_dim_intlist([3i64, 5].as_slice(), false, Kind::Float)?)
    }

    /// What is added to the scores of groups, `[groups of rows, groups of keys]` of `Float`: `-inf` where the keys lie behind the rows, and
    /// where none is in the window of the last of the rows.
    fn hidden(&self, inputs: &AttentionInputs<'_>, blocks: &RowBlocks) -> Result<Tensor> {
        let (stride, per_block) = (self.0.stride, self.0.block_size / self.0.stride);
        let (dims, visible) = (inputs.dims(), inputs.visible());
        let (groups, of_keys) = (blocks.count() * per_block, dims.keys.div_ceil(stride));
        let mut hidden = vec![0.0_f32; groups * of_keys];
        for (group, hidden) in hidden.chunks_exact_mut(of_keys).enumerate() {
            let number = blocks.first() * per_block + group;
            hidden[(number + 1).min(of_keys)..].fill(f32::NEG_INFINITY);
            if visible.is_windowed() {
                let last = ((number + 1) * stride).saturating_sub(dims.past() + 1).min(dims.queries - 1);
                hidden[..(visible.row(last).start / stride).min(number)].fill(f32::NEG_INFINITY);
            }
        }
        let hidden = Tensor::f_from_slice(&hidden)?.f_view([groups as i64, of_keys as i64])?;
        Ok(hidden.f_to_device(inputs.device())?)
    }

    /// Marks the blocks of a block row whose sums are `sums`, the last of them its own: the first and its own, and the largest others
    /// until all have the share `threshold`.
    fn choose(&self, sums: &[f32], chosen: &mut [bool]) {
        let own = sums.len() - 1;
        (chosen[0], chosen[own]) = (true, true);
        let wanted = self.0.threshold * sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
        let mut has = f64::from(sums[own]) + if own > 0 { f64::from(sums[0]) } else { 0.0 };
        let mut others: Vec<usize> = (1..own).collect();
        others.sort_by(|&one, &other| sums[other].total_cmp(&sums[one]));
        for number in others {
            if has >= wanted {
                break;
            }
            chosen[number] = true;
            has += f64::from(sums[number]);
        }
    }
}

impl Masker for XAttentionMasker {
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
        let shape = inputs.dims().mask_shape();
        if previous.is_full() {
            return Ok(previous);
        }
        let blocks = RowBlocks::new(&shape, self.0.block_size)?;
        let sums = Vec::<f32>::try_from(self.sums(inputs, &blocks)?.f_reshape([-1])?)?;
        let of_keys = shape.keys.div_ceil(self.0.block_size);
        let mut chosen = vec![false; sums.len()];
        let rows = sums.chunks_exact(of_keys).zip(chosen.chunks_exact_mut(of_keys));
        for (number, (sums, chosen)) in rows.enumerate() {
            let seen = blocks.first() + number % blocks.count() + 1;
            self.choose(&sums[..seen], &mut chosen[..seen]);
        }
        let ranges = BlockRanges::of_key_blocks(&shape, blocks, &chosen)?;
        previous.merge(Mask::from_blocks(shape, ranges)?)
    }
}
