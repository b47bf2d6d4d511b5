//! Keys and values that stand out from those that follow.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{ContextLayer, RetentionInfo, RetentionRule, Rule, Scorer, toolkit};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Keeps the keys that, measured by the ranges of the part of the text that follows, vary most over their channels.
///
#[doc = include_str!("../../docs/retentions/lagkv.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LagKv {
    /// Keys at the beginning that stay.
    #[serde(default = "default_sinks")]
    pub sinks: usize,
    /// Tokens of a part.
    #[serde(default = "default_lag")]
    pub lag: usize,
    /// Whether scores of parts are held against each other as they are, instead of the ranks within each part.
    #[serde(default)]
    pub cross_scoring: bool,
}

fn default_sinks() -> usize {
    4
}

fn default_lag() -> usize {
    128
}

impl RetentionRule for LagKv {
    const INFO: RetentionInfo = RetentionInfo {
        name: "lagkv",
        about: "keys and values that stand out from the part of the text that follows",
        fields: &[
            FieldInfo::optional("sinks", "a count from 0", "4"),
            FieldInfo::optional("lag", "a count from 1", "128"),
            FieldInfo::optional("cross_scoring", "true, false", "false"),
        ],
        source: "LagKV, arXiv 2504.04704",
        cost: "2 n D",
        memory: "a layer's keys and values in f32",
        looks_at: "keys, values",
    };

    fn build(&self) -> Result<Rule> {
        toolkit::at_least_one("lag", self.lag)?;
        Ok(Rule::scorer(*self))
    }
}

impl LagKv {
    /// Of vectors `[Hkv, parts, lag, D]`, for those of all parts but the last: `[Hkv, parts - 1, lag]`.
    fn of_parts(vectors: &Tensor) -> Result<Tensor> {
        let parts = vectors.size()[1];
        let (ours, next) = (vectors.f_narrow(1, 0, parts - 1)?, vectors.f_narrow(1, 1, parts - 1)?);
        let (low, high) = (next.f_amin([2i64].as_slice(), true)?, next.f_amax([2i64].as_slice(), true)?);
        // A channel that does not vary has no range to measure by: 1 leaves it as it is.
        let range = high.f_sub(&low)?;
        let range = range.f_where_self(&range.f_gt(0.0)?, &range.f_ones_like()?)?;
        let measured = ours.f_sub(&low)?.f_div(&range)?;
        Ok(measured.f_std_dim([-1i64].as_slice(), true, false)?.f_softmax(-1, Kind::Float)?)
    }
}

impl Scorer for LagKv {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor> {
        let inputs = context.inputs();
        let (heads, n) = (inputs.dims().kv_heads as i64, inputs.dims().keys as i64);
        let (sinks, lag) = ((self.sinks as i64).min(n), self.lag as i64);
        let options = (Kind::Float, inputs.device());
        let first = Tensor::f_ones([heads, sinks], options)?;
        let parts = (n - sinks) / lag;
        if parts < 2 {
            let rest = n - sinks;
            let latest = Tensor::f_arange(rest, options)?.f_div_scalar(rest.max(1))?;
            return Ok(Tensor::f_cat(&[first, latest.f_expand([heads, rest], false)?], 1)?);
        }
        let divided = |vectors: Tensor| -> Result<Tensor> {
            let dim = vectors.size()[2];
            let vectors = vectors.f_narrow(1, sinks, parts * lag)?;
            Self::of_parts(&vectors.f_reshape([heads, parts, lag, dim])?)
        };
        let of_keys = divided(toolkit::keys(inputs)?)?;
        let mut scores = of_keys.f_add(&divided(toolkit::values(inputs)?)?)?.f_div_scalar(2.0)?;
        if !self.cross_scoring {
            let ranks = scores.f_argsort(-1, false)?.f_argsort(-1, false)?;
            scores = ranks.f_to_kind(Kind::Float)?.f_div_scalar(lag)?;
        }
        let scores = scores.f_reshape([heads, (parts - 1) * lag])?;
        let last = Tensor::f_ones([heads, n - sinks - (parts - 1) * lag], options)?;
        Ok(Tensor::f_cat(&[first, scores, last], 1)?)
    }
}
