//! Keys that are unlike the others.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;

/// Keeps the keys whose direction is least like the mean direction of all keys.
///
#[doc = include_str!("../../docs/retentions/keydiff.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDiff {}

impl RetentionRule for KeyDiff {
    const INFO: RetentionInfo = RetentionInfo {
        name: "keydiff",
        about: "keys that are unlike the others",
        fields: &[],
        source: "KeyDiff, arXiv 2504.15364",
        cost: "2 n D",
        memory: "a layer's keys in f32, twice",
        looks_at: "keys",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for KeyDiff {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let keys = toolkit::keys(inputs)?;
        let norms = toolkit::norms(&keys)?.f_unsqueeze(-1)?.f_clamp_min(1e-12)?;
        let anchor = keys.f_div(&norms)?.f_mean_dim([1i64].as_slice(), true, Kind::Float)?;
        Ok(Tensor::f_cosine_similarity(&keys, &anchor, -1, 1e-8)?.f_neg()?)
    }
}
