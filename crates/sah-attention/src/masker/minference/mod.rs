//! `MInference`: each head has a pattern, whose places are estimated from the last rows.

mod pattern;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

pub use pattern::{HeadPattern, HeadPatterns};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{BlockRanges, Mask, RowBlocks};
use crate::masker::lines::{Lines, block_means, largest};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::LayerState;

const NAME: &str = "minference";

/// Rows and keys of a block, as in the authors' kernels.
const BLOCK: usize = 64;

/// The last rows, from which lines are estimated.
const LAST: usize = 64;

/// First keys and shortest distances that are always read, as the authors do; and lines of each kind at least.
const FIRST_KEYS: usize = 30;
const SHORT_DISTANCES: usize = 100;
const FEWEST: (usize, usize) = (30, 50);

/// Parameters of the [`MInferenceMasker`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MInferenceConfig {
    /// The pattern of each head, as the authors publish it; without one, every head has vertical and slash lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern_file: Option<PathBuf>,
    /// Vertical lines of a head, where there is no file.
    pub vertical: usize,
    /// Slash lines of a head, where there is no file.
    pub slash: usize,
}

impl MaskerConfig for MInferenceConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: NAME,
        about: "for --prefill: vertical and slash lines that the last rows read, or the pattern of each head from a file",
        fields: &[
            FieldInfo::optional("pattern_file", "a file", "none"),
            FieldInfo::required("vertical", "from 0"),
            FieldInfo::required("slash", "from 0"),
        ],
        source: "MInference 1.0, arXiv 2407.02490",
        cost: "64 K D / Q multiplications for a call of Q rows",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        let patterns = self.pattern_file.as_deref().map(HeadPatterns::read).transpose()?;
        Ok(Box::new(MInferenceMasker::new(patterns, self.vertical, self.slash)))
    }

    fn validate(&self) -> Result<()> {
        Ok(())
    }
}

/// Selects, for every head, the keys of its pattern: vertical and slash lines, first and last keys, or blocks whose means are alike.
///
#[doc = include_str!("../../../docs/maskers/minference.md")]
#[derive(Debug, Clone)]
pub struct MInferenceMasker {
    patterns: Option<Arc<HeadPatterns>>,
    /// Of every head, where there is no file.
    common: HeadPattern,
}

impl MInferenceMasker {
    /// A masker with a pattern for each head, or with so many `vertical` and `slash` lines for all of them.
    #[must_use]
    pub fn new(patterns: Option<HeadPatterns>, vertical: usize, slash: usize) -> Self {
        let common = HeadPattern::VerticalAndSlash { vertical, slash };
        Self { patterns: patterns.map(Arc::new), common }
    }

    /// The pattern of each query head of the call.
    fn patterns(&self, inputs: &AttentionInputs<'_>, layer: usize) -> Result<Vec<HeadPattern>> {
        let (dims, heads) = (inputs.dims(), inputs.layer_heads());
        let Some(patterns) = &self.patterns else { return Ok(vec![self.common; dims.heads]) };
        let part = heads.part_of(heads.all * dims.group(), dims.kv_heads);
        part.map(|head| patterns.of_head(layer, head)).collect()
    }
}

/// The key ranges of a head for each block of rows.
enum Choice {
    Lines {
        /// Keys, in runs.
        vertical: Vec<Range<usize>>,
        /// Distances, in runs.
        slash: Vec<Range<usize>>,
    },
    /// Blocks of keys for each block of rows.
    Blocks(Vec<Vec<usize>>),
    Ends {
        sink: usize,
        local: usize,
    },
}

impl Choice {
    fn of_lines(lines: &Lines, vertical: usize, slash: usize) -> Self {
        let keys = lines.vertical.len();
        let (mut of_keys, mut of_distances) = (lines.vertical.clone(), lines.slash.clone());
        of_keys[..FIRST_KEYS.min(keys)].fill(f32::INFINITY);
        of_distances[keys.saturating_sub(SHORT_DISTANCES)..].fill(f32::INFINITY);
        let vertical = largest(&of_keys, vertical.max(FEWEST.0));
        let slash = largest(&of_distances, slash.max(FEWEST.1));
        Self::Lines {
            vertical: runs(vertical.into_iter()),
            slash: runs(slash.into_iter().rev().map(|place| keys - 1 - place)),
        }
    }

    /// For the block of rows `block`, whose rows stand at `rows`, of `keys` keys.
    fn ranges(&self, block: usize, rows: Range<usize>, keys: usize) -> Vec<Range<usize>> {
        match self {
            Self::Lines { vertical, slash } => {
                // A run of distances from a to b, met by rows from r to s, reaches from the key r - b to s - a.
                let crossed = slash
                    .iter()
                    .filter(|run| run.start < rows.end)
                    .map(|run| (rows.start + 1).saturating_sub(run.end)..keys.min(rows.end - run.start));
                vertical.iter().cloned().chain(crossed).collect()
            }
            Self::Blocks(blocks) => {
                let of_keys = |&number: &usize| number * BLOCK..keys.min((number + 1) * BLOCK);
                blocks[block].iter().map(of_keys).collect()
            }
            Self::Ends { sink, local } => {
                vec![0..keys.min(*sink), (rows.start + 1).saturating_sub(*local)..keys.min(rows.end)]
            }
        }
    }
}

/// Numbers in order as runs.
fn runs(numbers: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some(run) if run.end == number => run.end += 1,
            _ => runs.push(number..number + 1),
        }
    }
    runs
}

/// The `count` blocks of keys whose means are most like those of each block of rows, for `head` of the batch, below `B H`.
fn blocks_alike(
    inputs: &AttentionInputs<'_>,
    blocks: &RowBlocks,
    head: usize,
    count: usize,
) -> Result<Vec<Vec<usize>>> {
    let dims = inputs.dims();
    let (batch, head) = ((head / dims.heads) as i64, head % dims.heads);
    let of_head = |tensor: &Tensor, head: usize| tensor.f_narrow(0, batch, 1)?.f_narrow(1, head as i64, 1);
    let queries = of_head(inputs.queries(), head)?;
    let keys = of_head(&inputs.keys()?, head / dims.group())?;
    let queries = block_means(&queries, dims.past() - blocks.first() * BLOCK, BLOCK)?;
    let scores = queries.f_matmul(&block_means(&keys, 0, BLOCK)?.f_transpose(-2, -1)?)?;
    let of_keys = dims.keys.div_ceil(BLOCK);
    let scores = Vec::<f32>::try_from(scores.f_to_kind(Kind::Float)?.f_reshape([-1])?)?;
    let of_block = |(block, scores): (usize, &[f32])| {
        let own = blocks.first() + block;
        largest(&scores[..=own], count)
    };
    Ok(scores.chunks_exact(of_keys).enumerate().map(of_block).collect())
}

impl Masker for MInferenceMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn for_prefill(&self) -> Option<Box<dyn Masker>> {
        Some(Box::new(self.clone()))
    }

    fn is_for_prefill_alone(&self) -> bool {
        true
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = *inputs.dims();
        let shape = dims.mask_shape();
        let patterns = self.patterns(inputs, state.layer())?;
        if previous.is_full() {
            return Ok(previous);
        }
        let blocks = RowBlocks::new(&shape, BLOCK)?;
        let needs_lines =
            patterns.iter().any(|pattern| matches!(pattern, HeadPattern::VerticalAndSlash { .. }));
        let lines = if needs_lines { Lines::of(inputs, LAST.min(dims.queries))? } else { Vec::new() };
        let choice = |head: usize| -> Result<Choice> {
            Ok(match patterns[head % dims.heads] {
                HeadPattern::VerticalAndSlash { vertical, slash } => {
                    Choice::of_lines(&lines[head], vertical, slash)
                }
                HeadPattern::Blocks { count } => Choice::Blocks(blocks_alike(inputs, &blocks, head, count)?),
                HeadPattern::Ends { sink, local } => Choice::Ends { sink, local },
            })
        };
        let choices = (0..dims.batch * dims.heads).map(choice).collect::<Result<Vec<Choice>>>()?;
        let past = dims.past();
        let ranges = BlockRanges::from_fn(&shape, blocks, |head, block| {
            let rows = blocks.rows_of(block);
            choices[head].ranges(block, past + rows.start..past + rows.end, dims.keys)
        })?;
        previous.merge(Mask::from_blocks(shape, ranges)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cross_blocks_of_rows() {
        let choice = Choice::Lines { vertical: vec![0..2, 7..8], slash: vec![0..1, 5..7] };
        // Rows at 8 to 11: distance 0 is their own key, 5 and 6 the keys 2 to 6.
        let keys = |choice: &Choice| {
            let mut keys: Vec<usize> = choice.ranges(0, 8..12, 40).into_iter().flatten().collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        assert_eq!(keys(&choice), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        let far = Choice::Lines { vertical: vec![], slash: vec![10..11, 20..21] };
        assert_eq!(keys(&far), [0, 1], "rows at 10 and 11 meet distance 10");
        assert_eq!(runs([3, 4, 5, 9].into_iter()), [3..6, 9..10]);
    }
}
