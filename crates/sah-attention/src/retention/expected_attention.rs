//! What queries to come are expected to look at.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, MomentsOf, Needs, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the keys that queries to come are expected to give the largest weights, if they are distributed as those of the context.
///
#[doc = include_str!("../../docs/retentions/expected_attention.md")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAttention {
    /// Keys at the beginning that stay, and whose queries do not count.
    #[serde(default = "default_sinks")]
    pub sinks: usize,
    /// Positions after the context at which queries are expected.
    #[serde(default = "default_future")]
    pub future: usize,
    /// Whether the covariance of queries counts, or their mean alone.
    #[serde(default = "default_true")]
    pub covariance: bool,
    /// Whether weights are multiplied by the norms of values.
    #[serde(default = "default_true")]
    pub value_norm: bool,
    /// What is added to weights before they are multiplied.
    #[serde(default)]
    pub epsilon: f64,
}

fn default_sinks() -> usize {
    4
}

fn default_future() -> usize {
    512
}

fn default_true() -> bool {
    true
}

impl RetentionRule for ExpectedAttention {
    const INFO: RetentionInfo = RetentionInfo {
        name: "expected_attention",
        about: "what queries to come are expected to look at",
        fields: &[
            FieldInfo::optional("sinks", "a count from 0", "4"),
            FieldInfo::optional("future", "a count from 1", "512"),
            FieldInfo::optional("covariance", "true, false", "true"),
            FieldInfo::optional("value_norm", "true, false", "true"),
            FieldInfo::optional("epsilon", "a number from 0", "0"),
        ],
        source: "Expected Attention, arXiv 2510.00636",
        cost: "H n D^2, twice",
        memory: "D^2 for each query head",
        looks_at: "keys, values, all queries before they are rotated",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("future", self.future)?;
        toolkit::not_negative("epsilon", self.epsilon)?;
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for ExpectedAttention {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn needs(&self) -> Needs {
        let moments = Some(MomentsOf { skipped: self.sinks });
        Needs { moments, rotation: Some(self.future), ..Needs::queries(1) }
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let dims = inputs.dims();
        let (kv_heads, group) = (dims.kv_heads as i64, dims.group() as i64);
        if dims.keys <= self.sinks {
            return Ok(Tensor::f_zeros([kv_heads, dims.keys as i64], (Kind::Float, inputs.device()))?);
        }
        let logits = self.logits(context)?;
        let weights = logits.f_softmax(-1, Kind::Float)?.f_view([kv_heads, group, -1])?;
        let mut scores = weights.f_mean_dim([1i64].as_slice(), false, Kind::Float)?;
        if self.value_norm {
            let values = toolkit::values_in(inputs, self.sinks..dims.keys)?;
            scores = scores.f_add_scalar(self.epsilon)?.f_mul(&toolkit::norms(&values)?)?;
        }
        let best = scores.f_max()?.f_double_value(&[])? + 1.0;
        Ok(scores.f_pad([self.sinks as i64, 0], "constant", best)?)
    }
}

impl ExpectedAttention {
    /// The logarithms of expected weights but for a constant, of the keys after the sinks: `[H, n - sinks]`.
    fn logits(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let dims = inputs.dims();
        let (kv_heads, group, dim) = (dims.kv_heads as i64, dims.group() as i64, dims.head_dim as i64);
        let rotation = context.rotation()?;
        let float = |tensor: Tensor| tensor.f_to_kind(Kind::Float);
        let mean = float(context.moments()?.mean()?)?.f_matmul(&rotation.f_transpose(0, 1)?)?;
        let mean = mean.f_mul_scalar(inputs.scale())?.f_view([kv_heads, group, dim, 1])?;
        let covariance = if self.covariance {
            let turned = rotation.f_matmul(&float(context.moments()?.covariance()?)?)?;
            let turned =
                turned.f_matmul(&rotation.f_transpose(0, 1)?)?.f_mul_scalar(inputs.scale().powi(2) / 2.0)?;
            Some(turned.f_view([kv_heads, group, dim, dim])?)
        } else {
            None
        };
        let mut blocks = Vec::new();
        for keys in toolkit::key_blocks(self.sinks..dims.keys, dims.heads * dims.head_dim) {
            let keys = toolkit::keys_in(inputs, keys)?.f_unsqueeze(1)?;
            let mut logits = keys.f_matmul(&mean)?.f_squeeze_dim(-1)?;
            if let Some(covariance) = &covariance {
                let square = keys.f_matmul(covariance)?.f_mul(&keys)?;
                logits =
                    logits.f_add(&square.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Float)?)?;
            }
            blocks.push(logits.f_flatten(0, 1)?);
        }
        Ok(Tensor::f_cat(&blocks, 1)?)
    }
}
