//! Keys by chance.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer};
use crate::error::Result;
use crate::masker::toolkit::RandomStream;

/// Keeps keys by chance, others in each layer and head: what a retention must be better than.
///
#[doc = include_str!("../../docs/retentions/random.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {}

impl RetentionRule for Random {
    const INFO: RetentionInfo = RetentionInfo {
        name: "random",
        about: "keys by chance",
        fields: &[],
        source: "a control",
        cost: "none",
        memory: "none",
        looks_at: "nothing",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for Random {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let dims = context.inputs().dims();
        let mut stream = RandomStream::new(context.seed(), 0);
        let scores: Vec<f32> = (0..dims.kv_heads * dims.keys).map(|_| stream.below(1 << 24) as f32).collect();
        Ok(Tensor::f_from_slice(&scores)?.f_view([dims.kv_heads as i64, dims.keys as i64])?)
    }
}
