//! Tri-shape: the first and the last keys before each row, and all keys for the last rows.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, RowRanges};
use crate::masker::{FieldInfo, Masker, MaskerConfig, MaskerInfo};
use crate::state::LayerState;

const NAME: &str = "tri_shape";

/// Parameters of the [`TriShapeMasker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriShapeConfig {
    /// First keys that every row reads.
    pub sink: usize,
    /// Last keys that every row reads, its own included; at least 1.
    pub local: usize,
    /// Last rows of the context that read everything.
    pub last: usize,
}

impl MaskerConfig for TriShapeConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: NAME,
        about: "for --prefill: first and last keys, and everything for the last rows of a context",
        fields: &[
            FieldInfo::required("sink", "from 0"),
            FieldInfo::required("local", "at least 1"),
            FieldInfo::required("last", "from 0"),
        ],
        source: "SCBench, arXiv 2412.10319",
        cost: "none",
        state: "none",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        Ok(Box::new(TriShapeMasker::new(*self)?))
    }
}

/// Selects the first and the last keys before each query row of a context, and all keys for its last rows.
///
#[doc = include_str!("../../docs/maskers/tri_shape.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriShapeMasker(TriShapeConfig);

impl TriShapeMasker {
    /// A masker with these parameters, each within its range.
    pub fn new(config: TriShapeConfig) -> Result<Self> {
        if config.local == 0 {
            return Err(Error::Field { field: "local", expected: "at least 1", found: "0".to_owned() });
        }
        Ok(Self(config))
    }
}

impl Masker for TriShapeMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn for_prefill(&self) -> Option<Box<dyn Masker>> {
        Some(Box::new(*self))
    }

    fn is_for_prefill_alone(&self) -> bool {
        true
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let TriShapeConfig { sink, local, last } = self.0;
        let dims = inputs.dims();
        let (shape, past) = (dims.mask_shape(), dims.past());
        // A context whose end is not known ends with the rows of the call.
        let dense_from = state.context_length().unwrap_or(dims.keys).saturating_sub(last);
        if previous.is_full() || dims.keys <= sink.saturating_add(local) || dense_from <= past {
            return Ok(Mask::full(shape));
        }
        let rows = (0..dims.queries).map(|row| {
            let end = past + row + 1;
            if end > dense_from { [0..end, 0..0] } else { [0..sink.min(end), end.saturating_sub(local)..end] }
        });
        previous.merge(Mask::from_ranges(shape, RowRanges::from_rows(dims.keys, rows)?)?)
    }
}
