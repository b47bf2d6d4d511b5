//! What the model looks at while it repeats the context.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{ContextLayer, Needs, Prefix, Repetition, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the keys that are given the largest weights while the model repeats the context.
///
#[doc = include_str!("../../docs/retentions/kvzip.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KvZip {
    /// Keys at the beginning that stay.
    #[serde(default = "default_sinks")]
    pub sinks: usize,
    /// Tokens of a part that is repeated at once.
    #[serde(default = "default_chunk")]
    pub chunk: usize,
    /// What becomes of the keys that the chat template puts before the context.
    #[serde(default)]
    pub prefix: Prefix,
}

fn default_sinks() -> usize {
    4
}

fn default_chunk() -> usize {
    2048
}

impl RetentionRule for KvZip {
    const INFO: RetentionInfo = RetentionInfo {
        name: "kvzip",
        about: "what the model looks at while it repeats the context",
        fields: &[
            FieldInfo::optional("sinks", "a count from 0", "4"),
            FieldInfo::optional("chunk", "a count from 1", "2048"),
            FieldInfo::optional("prefix", "dropped, kept", "dropped"),
        ],
        source: "KVzip, arXiv 2505.23416",
        cost: "reads the context once more, and H n (chunk + n) D",
        memory: "keys and values of a part, n for each KV head",
        looks_at: "keys, queries of a repetition",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("chunk", self.chunk)?;
        Ok(Rule::scorer(*self))
    }
}

impl Scorer for KvZip {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn needs(&self) -> Needs {
        let repetition = Repetition { sinks: self.sinks, chunk: self.chunk, prefix: self.prefix };
        Needs { repetition: Some(repetition), ..Needs::queries(1) }
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let repeated = context.repeated()?;
        let sinks = repeated.size()[1].min(self.sinks as i64);
        let rest = repeated.f_narrow(1, sinks, repeated.size()[1] - sinks)?;
        // Weights are 1 at most.
        Ok(rest.f_pad([sinks, 0], "constant", 2.0)?)
    }
}
