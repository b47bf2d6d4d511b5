//! Keys with small norms.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;

/// Keeps the keys with the smallest norms.
///
#[doc = include_str!("../../docs/retentions/knorm.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knorm {}

impl RetentionRule for Knorm {
    const INFO: RetentionInfo = RetentionInfo {
        name: "knorm",
        about: "keys with small norms",
        fields: &[],
        source: "Devoto et al. 2024, arXiv 2406.11430",
        cost: "n D",
        memory: "a layer's keys in f32",
        looks_at: "keys",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for Knorm {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        Ok(toolkit::norms(&toolkit::keys(inputs)?)?.f_neg()?)
    }
}
