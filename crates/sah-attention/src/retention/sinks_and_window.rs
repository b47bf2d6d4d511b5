//! The first keys and the last ones.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the first `sinks` keys and the last ones.
///
#[doc = include_str!("../../docs/retentions/streaming_llm.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinksAndWindow {
    /// Keys at the beginning that stay first of all.
    #[serde(default = "default_sinks")]
    pub sinks: usize,
}

fn default_sinks() -> usize {
    4
}

impl RetentionRule for SinksAndWindow {
    const INFO: RetentionInfo = RetentionInfo {
        name: "streaming_llm",
        about: "the first keys and the last ones",
        fields: &[FieldInfo::optional("sinks", "a count from 0", "4")],
        source: "StreamingLLM, arXiv 2309.17453",
        cost: "none",
        memory: "none",
        looks_at: "nothing",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for SinksAndWindow {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn grows(&self) -> bool {
        true
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let (heads, n) = (inputs.dims().kv_heads as i64, inputs.dims().keys as i64);
        let scores = Tensor::f_arange(n, (Kind::Float, Device::Cpu))?;
        let sinks = (self.sinks as i64).min(n);
        // Where fewer keys stay than there are sinks, the first ones do.
        let first = Tensor::f_arange_start_step(2 * n + sinks, 2 * n, -1, (Kind::Float, Device::Cpu))?;
        scores.f_narrow(0, 0, sinks)?.f_copy_(&first)?;
        Ok(scores.f_unsqueeze(0)?.f_expand([heads, n], false)?)
    }
}
