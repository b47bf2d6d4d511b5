//! What the last tokens look at.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, Needs, RetentionInfo, RetentionRule, Rule, Scorer, sums_of_weights, toolkit};
use crate::error::Result;
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
        memory: "w queries of each layer",
        looks_at: "keys, the last w queries",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("window", self.window)?;
        toolkit::odd("kernel", self.kernel)?;
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for SnapKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn needs(&self) -> Needs {
        Needs::queries(self.window)
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let dims = inputs.dims();
        // Of a context that is no longer than the window, every key is of the window.
        let (window, before) = (dims.queries as i64, dims.past() as i64);
        let kv_heads = dims.kv_heads as i64;
        if before == 0 {
            return toolkit::all_of_the_window(inputs);
        }
        let sums = sums_of_weights(inputs)?.f_narrow(1, 0, before)?;
        let mean = sums.f_div_scalar(window)?;
        let pooled = match self.pooling {
            Pooling::Mean => {
                let (kernel, padding) = (self.kernel as i64, self.kernel as i64 / 2);
                mean.f_unsqueeze(0)?.f_avg_pool1d(kernel, 1, padding, false, true)?
            }
            Pooling::Max => toolkit::largest_neighbours(&mean, self.kernel)?,
        };
        let by_group = pooled.f_view([kv_heads, dims.group() as i64, before])?;
        let scores = by_group.f_mean_dim([1i64].as_slice(), false, Kind::Float)?;
        toolkit::followed_by_best(&scores, dims.queries)
    }
}
