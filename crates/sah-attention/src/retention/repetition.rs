//! What a model looks at while it repeats a context.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::weights::largest_weights;
use crate::error::Result;
use crate::inputs::AttentionInputs;

/// How a context is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition {
    /// Keys at the beginning that take weight beside those of a part.
    pub sinks: usize,
    /// Tokens of a part: the model is asked to repeat one after the other.
    pub chunk: usize,
    /// What becomes of the keys before the first part.
    pub prefix: Prefix,
}

/// What becomes of the keys that the chat template puts before a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prefix {
    /// They are not repeated, and so are the first to go but for the sinks, as in kvpress.
    #[default]
    Dropped,
    /// They stay, and all of them are sinks, as the authors have it.
    Kept,
}

impl Repetition {
    /// More than any weight: the score of keys that stay.
    pub const STAYS: f64 = 2.0;

    /// How many keys take weight beside those of a part, where `prefix` keys stand before the context.
    #[must_use]
    pub fn sinks(&self, prefix: usize) -> usize {
        match self.prefix {
            Prefix::Dropped => self.sinks,
            Prefix::Kept => self.sinks.max(prefix),
        }
    }

    /// The largest weights that the queries of a call give to the keys `part`, over all rows and the query heads of a group:
    /// `[Hkv, part]` of `Float`. The keys that compete for weight are the first `sinks` of those before `part`, `part`, and all from
    /// `read` on, which is where the context ends.
    pub fn weights(
        inputs: &AttentionInputs<'_>,
        sinks: usize,
        part: Range<usize>,
        read: usize,
    ) -> Result<Tensor> {
        let dims = inputs.dims();
        let sinks = sinks.min(part.start);
        let of = |range: Range<usize>| inputs.keys_in(range);
        let keys = Tensor::f_cat(&[of(0..sinks)?, of(part.clone())?, of(read..dims.keys)?], 2)?;
        let few = AttentionInputs::new(inputs.queries(), &keys, &keys, inputs.scale())?;
        let few = few.with_soft_cap(inputs.soft_cap())?.with_sink_scores(inputs.sink_scores())?;
        let largest = largest_weights(&few)?.f_narrow(1, sinks as i64, part.len() as i64)?;
        let by_group = largest.f_reshape([dims.kv_heads as i64, dims.group() as i64, part.len() as i64])?;
        Ok(by_group.f_amax([1i64].as_slice(), false)?)
    }
}
