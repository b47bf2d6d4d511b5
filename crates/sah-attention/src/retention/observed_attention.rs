//! What all tokens of the context looked at.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, Needs, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the keys that all queries of the context together gave the largest weights.
///
#[doc = include_str!("../../docs/retentions/observed_attention.md")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedAttention {
    /// Whether sums are divided by the number of queries that see a key.
    #[serde(default = "default_average")]
    pub average: bool,
    /// The share of the keys that stay which are the last ones.
    #[serde(default)]
    pub recent: f64,
}

fn default_average() -> bool {
    true
}

impl RetentionRule for ObservedAttention {
    const INFO: RetentionInfo = RetentionInfo {
        name: "observed_attention",
        about: "what all tokens of the context looked at (H2O)",
        fields: &[
            FieldInfo::optional("average", "true, false", "true"),
            FieldInfo::optional("recent", "a share from 0 to 1", "0"),
        ],
        source: "H2O, arXiv 2306.14048",
        cost: "H n^2 D, while the context is read",
        memory: "n for each query head",
        looks_at: "weights of all queries",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::share("recent", self.recent)?;
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for ObservedAttention {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn needs(&self) -> Needs {
        Needs { weights: true, ..Needs::queries(1) }
    }

    fn grows(&self) -> bool {
        !self.average
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let dims = context.inputs().dims();
        let (kv_heads, group, n) = (dims.kv_heads as i64, dims.group() as i64, dims.keys as i64);
        let mut sums = context.weights()?.shallow_clone();
        if self.average {
            let seen_by = Tensor::f_arange_start_step(n, 0, -1, (Kind::Float, sums.device()))?;
            sums = sums.f_div(&seen_by)?;
        }
        let scores = sums.f_view([kv_heads, group, n])?.f_mean_dim([1i64].as_slice(), false, Kind::Float)?;
        let recent = (context.kept() as f64 * self.recent) as i64;
        if recent == 0 {
            return Ok(scores);
        }
        let best = scores.f_max()?.f_double_value(&[])? + 1.0;
        Ok(scores.f_narrow(1, 0, n - recent)?.f_pad([0, recent], "constant", best)?)
    }
}
