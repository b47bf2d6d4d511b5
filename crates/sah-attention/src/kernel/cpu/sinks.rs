//! Scores that belong to no key.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;

/// The score of each query head and row that takes part in its softmax and belongs to no key.
pub(super) struct Sinks {
    /// `[H, n]`: those of rows that are the same once, so that `n` is 1 or Q. Empty where the layer has none.
    scores: Vec<f32>,
    per_head: usize,
}

impl Sinks {
    /// Those of `inputs`.
    pub(super) fn of(inputs: &AttentionInputs<'_>) -> Result<Self> {
        let scores = inputs.sink_scores().map(Tensor::f_contiguous).transpose()?;
        let scores =
            scores.map(|scores| Vec::try_from(scores.f_view([-1])?)).transpose()?.unwrap_or_default();
        Ok(Self { per_head: scores.len() / inputs.dims().heads, scores })
    }

    /// That of row `row` of query head `head`; minus infinity where the layer has none.
    pub(super) fn of_row(&self, head: usize, row: usize) -> f32 {
        match self.per_head {
            0 => f32::NEG_INFINITY,
            per_head => self.scores[head * per_head + row % per_head],
        }
    }
}
