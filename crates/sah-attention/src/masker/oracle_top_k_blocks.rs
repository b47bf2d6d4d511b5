//! Oracle blocks: for each block of rows, the blocks of keys with the largest exact weights.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::heads::softmax;
use crate::inputs::AttentionInputs;
use crate::mask::{BlockRanges, Mask, RowBlocks};
use crate::masker::toolkit::{exact_scores, exclude_invisible};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::LayerState;

const NAME: &str = "oracle_top_k_blocks";

/// Scores that are held at once.
const SCORES: usize = 1 << 24;

/// Parameters of the [`OracleTopKBlocksMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleTopKBlocksConfig {
    /// Keys that a block of rows reads, in whole blocks; greater than 0, a fraction at most 1.
    pub heavy_size: Size,
    /// Rows and keys of a block, at least 1.
    pub block_size: usize,
}

impl MaskerConfig for OracleTopKBlocksConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: NAME,
        about: "for --prefill: for each block of rows, the blocks of keys with the largest exact weights",
        fields: &[FieldInfo::size("heavy_size"), FieldInfo::required("block_size", "at least 1")],
        source: "what block-sparse prefill approximates",
        cost: "K D multiplications: an oracle, which saves nothing",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(OracleTopKBlocksMasker::new(*self)?))
    }
}

/// Selects, for every head and block of query rows, the blocks of keys with the largest exact attention weights.
///
#[doc = include_str!("../../docs/maskers/oracle_top_k_blocks.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OracleTopKBlocksMasker(OracleTopKBlocksConfig);

impl OracleTopKBlocksMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: OracleTopKBlocksConfig) -> Result<Self> {
        config.heavy_size.validate("heavy_size")?;
        if config.block_size == 0 {
            return Err(Error::Field { field: "block_size", expected: "at least 1", found: "0".to_owned() });
        }
        Ok(Self(config))
    }

    /// The sum over `rows` of the weights of the first `blocks` blocks of keys, `[B, H, blocks]` of `Float`. The rows read none behind.
    fn masses(&self, inputs: &AttentionInputs<'_>, rows: Range<usize>, blocks: usize) -> Result<Tensor> {
        let (dims, size) = (inputs.dims(), self.0.block_size);
        let keys = dims.keys.min(blocks * size);
        let height = (SCORES / (dims.batch * dims.heads * keys)).clamp(1, rows.len());
        let sizes = [dims.batch, dims.heads, blocks].map(|size| size as i64);
        let mut masses = Tensor::f_zeros(sizes, (Kind::Float, inputs.device()))?;
        for start in rows.clone().step_by(height) {
            let rows = start..rows.end.min(start + height);
            let all = exact_scores(inputs, rows.clone(), 0..dims.keys)?;
            exclude_invisible(inputs, rows.clone(), &all, f64::NEG_INFINITY)?;
            let weights =
                softmax(inputs, &all, rows)?.f_sum_dim_intlist([2i64].as_slice(), false, Kind::Float)?;
            let weights = weights.f_narrow(2, 0, keys as i64)?;
            let weights = weights.f_constant_pad_nd([0, (blocks * size - keys) as i64])?;
            let of_blocks = weights.f_reshape([sizes[0], sizes[1], sizes[2], size as i64])?;
            masses = masses.f_add(&of_blocks.f_sum_dim_intlist([3i64].as_slice(), false, Kind::Float)?)?;
        }
        Ok(masses)
    }
}

impl Masker for OracleTopKBlocksMasker {
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
        let OracleTopKBlocksConfig { heavy_size, block_size } = self.0;
        let dims = inputs.dims();
        let shape = dims.mask_shape();
        if previous.is_full() {
            return Ok(previous);
        }
        let blocks = RowBlocks::new(&shape, block_size)?;
        let (heads, of_keys) = (dims.batch * dims.heads, dims.keys.div_ceil(block_size));
        let mut chosen = vec![false; heads * blocks.count() * of_keys];
        for block in 0..blocks.count() {
            let rows = blocks.rows_of(block);
            let last = blocks.first() + block;
            let masses = self.masses(inputs, rows.clone(), last + 1)?;
            let budget = heavy_size.of(dims.past() + rows.end) / block_size;
            let (_, best) = masses.f_topk(budget.clamp(1, last + 1) as i64, -1, true, false)?;
            let width = best.size()[2] as usize;
            let best = Vec::<i64>::try_from(best.f_reshape([-1])?)?;
            for (head, best) in best.chunks_exact(width).enumerate() {
                let of_block = &mut chosen[(head * blocks.count() + block) * of_keys..][..of_keys];
                for &number in best {
                    of_block[number as usize] = true;
                }
            }
        }
        let ranges = BlockRanges::of_key_blocks(&shape, blocks, &chosen)?;
        previous.merge(Mask::from_blocks(shape, ranges)?)
    }
}
