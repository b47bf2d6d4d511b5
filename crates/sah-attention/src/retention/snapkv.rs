//! What the last tokens look at.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::masker::FieldInfo;

/// Keeps the keys that the last queries give the largest weights, smoothed over their neighbours, and those of the last tokens.
///
#[doc = include_str!("../../docs/retentions/snapkv.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapKv {
    /// Last tokens whose queries are asked, and whose keys stay.
    #[serde(default = "default_window")]
    pub window: usize,
    /// Keys that are pooled, an odd number.
    #[serde(default = "default_kernel")]
    pub kernel: usize,
    /// How.
    #[serde(default)]
    pub pooling: Pooling,
}

/// How weights of neighbouring keys are pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean, of zeros beyond the ends, too.
    #[default]
    Mean,
    /// The largest.
    Max,
}

fn default_window() -> usize {
    64
}

fn default_kernel() -> usize {
    5
}

impl RetentionRule for SnapKv {
    const INFO: RetentionInfo = RetentionInfo {
        name: "snapkv",
        about: "what the last tokens look at, and these themselves",
        fields: &[
            FieldInfo::optional("window", "a count from 1", "64"),
            FieldInfo::optional("kernel", "an odd number", "5"),
            FieldInfo::optional("pooling", "mean, max", "mean"),
        ],
        source: "SnapKV, arXiv 2404.14469",
        cost: "H w n D",
        looks_at: "keys, the last w queries",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("window", self.window)?;
        if self.kernel.is_multiple_of(2) {
            let found = self.kernel.to_string();
            return Err(Error::Field { field: "kernel", expected: "an odd number of keys", found });
        }
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for SnapKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn queries(&self) -> usize {
        self.window
    }

    fn scores(&self, inputs: &AttentionInputs<'_>, _: u64) -> Result<Tensor> {
        let dims = inputs.dims();
        // Of a context that is no longer than the window, every key is of the window.
        let (window, before) = (dims.queries as i64, dims.past() as i64);
        let (heads, kv_heads) = (dims.heads as i64, dims.kv_heads as i64);
        if before == 0 {
            return toolkit::followed_by_best(
                &Tensor::f_zeros([kv_heads, 0], (Kind::Float, inputs.device()))?,
                dims.keys,
            );
        }
        let mut sums = Tensor::f_zeros([heads, before], (Kind::Float, inputs.device()))?;
        toolkit::weights_by_rows(inputs, |weights| {
            let weights = weights.f_narrow(2, 0, before)?;
            sums = sums.f_add(&weights.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?)?;
            Ok(())
        })?;
        let mean = sums.f_div_scalar(window)?.f_unsqueeze(0)?;
        let (kernel, padding) = (self.kernel as i64, self.kernel as i64 / 2);
        let pooled = match self.pooling {
            Pooling::Mean => mean.f_avg_pool1d(kernel, 1, padding, false, true)?,
            Pooling::Max => mean.f_max_pool1d(kernel, 1, padding, 1, false)?,
        };
        let by_group = pooled.f_view([kv_heads, dims.group() as i64, before])?;
        let scores = by_group.f_mean_dim([1i64].as_slice(), false, Kind::Float)?;
        toolkit::followed_by_best(&scores, dims.queries)
    }
}
