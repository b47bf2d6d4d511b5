//! The local window: the last keys before each query row.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::eviction::KeptKeys;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, RowRanges};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::size::Size;
use crate::state::LayerState;

/// Parameters of the [`LocalMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalConfig {
    /// Number of keys, the row's own included.
    pub size: Size,
}

impl MaskerConfig for LocalConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: "local",
        about: "the last keys before each row",
        fields: &[FieldInfo::size("size")],
        source: "StreamingLLM, arXiv 2309.17453",
        cost: "none",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(LocalMasker::new(self.size)?))
    }
}

/// Selects, for every query row, the keys that end at the row's own position.
///
#[doc = include_str!("../../docs/maskers/local.md")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalMasker {
    size: Size,
    /// Whether rows keep to their windows where a window and the rows of the call cover all keys.
    is_strict: bool,
}

impl LocalMasker {
    /// A masker of the last `size` keys; `size` must be greater than 0, a fraction at most 1.
    pub fn new(size: Size) -> Result<Self> {
        Ok(Self { size: size.validate("local size")?, is_strict: false })
    }

    /// The same, where every row reads its window and no more, in a prompt that is computed in one call, too.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    /// Number of keys, the row's own included.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }
}

impl Masker for LocalMasker {
    fn name(&self) -> &'static str {
        "local"
    }

    fn for_prefill(&self) -> Option<Box<dyn Masker>> {
        // A share of the keys would be another number of keys for each chunk of a context.
        matches!(self.size, Size::Count(_)).then(|| Box::new(self.strict()) as Box<dyn Masker>)
    }

    fn keeps(&self) -> Option<KeptKeys> {
        match self.size {
            Size::Count(window) => Some(KeptKeys { sinks: 0, window }),
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
        let window = self.size.of(dims.keys);
        let covered = if self.is_strict { window } else { window.saturating_add(dims.queries) };
        if previous.is_full() || inputs.length() <= covered {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let ranges = RowRanges::from_fn(dims.queries, dims.keys, |row| {
            let end = dims.past() + row + 1;
            end.saturating_sub(window)..end
        })?;
        previous.merge(Mask::from_ranges(dims.mask_shape(), ranges)?)
    }
}
