//! Attention sinks: the first keys.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::eviction::KeptKeys;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, RowRanges};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::LayerState;

/// Parameters of the [`SinkMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkConfig {
    /// Number of keys.
    pub size: Size,
}

impl MaskerConfig for SinkConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "sink",
        about: "the first keys",
        fields: &[FieldInfo::size("size")],
        source: "StreamingLLM, arXiv 2309.17453",
        cost: "none",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(SinkMasker::new(self.size)?))
    }
}

/// Selects the first keys for every query row.
///
#[doc = include_str!("../../docs/maskers/sink.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SinkMasker {
    size: Size,
}

impl SinkMasker {
    /// A masker of the first `size` keys; `size` must be greater than 0, a fraction at most 1.
    pub fn new(size: Size) -> Result<Self> {
        Ok(Self { size: size.validate("sink size")? })
    }

    /// Number of keys.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }
}

impl Masker for SinkMasker {
    fn name(&self) -> &'static str {
        "sink"
    }

    fn for_prefill(&self) -> Option<Box<dyn Masker>> {
        // A share of the keys would be another number of keys for each chunk of a context.
        matches!(self.size, Size::Count(_)).then(|| Box::new(*self) as Box<dyn Masker>)
    }

    fn keeps(&self) -> Option<KeptKeys> {
        match self.size {
            Size::Count(sinks) => Some(KeptKeys { sinks, window: 0 }),
            Size::Fraction(_) => None,
        }
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        _state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        let sink = self.size.of(dims.keys);
        if previous.is_full() || dims.keys <= sink {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let ranges = RowRanges::from_fn(dims.queries, dims.keys, |_| 0..sink)?;
        previous.merge(Mask::from_ranges(dims.mask_shape(), ranges)?)
    }
}
