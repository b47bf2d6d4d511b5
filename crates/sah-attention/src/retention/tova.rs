//! What the last token looks at.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;

/// Keeps the keys that the last query gives the largest weights, in the mean over all heads.
///
#[doc = include_str!("../../docs/retentions/tova.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tova {}

impl RetentionRule for Tova {
    const INFO: RetentionInfo = RetentionInfo {
        name: "tova",
        about: "what the last token looks at, the same keys in all heads",
        fields: &[],
        source: "TOVA, arXiv 2401.06104",
        cost: "H n D",
        memory: "the last query",
        looks_at: "keys, the last query",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for Tova {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let dims = inputs.dims();
        let (heads, others) = (dims.kv_heads as i64, dims.keys as i64 - 1);
        let mut mean = None;
        toolkit::weights_by_rows(inputs, |weights| {
            let last = weights.f_select(1, -1)?.f_narrow(1, 0, others)?;
            mean = Some(last.f_mean_dim([0i64].as_slice(), true, Kind::Float)?);
            Ok(())
        })?;
        let mean = mean.expect("there is a query").f_expand([heads, others], false)?;
        toolkit::followed_by_best(&mean, 1)
    }
}
