//! Attention sinks: the first keys.

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, RowRanges};
use crate::masker::Masker;
use crate::size::Size;
use crate::state::LayerState;

/// Selects the first `s` keys for every query row.
///
/// From `StreamingLLM` (Xiao et al. 2023, arXiv 2309.17453): models put much attention on the first few tokens whatever
/// they say, and a window alone breaks down without them.
///
/// With `s` the [size](Size::of) out of `K` keys, key `j` of row `i` is selected where
///
/// ```text
/// j < s
/// ```
///
/// and everything is selected where `K <= s`. A fraction that truncates to `s = 0` adds nothing.
///
/// ```
/// use sah_attention::{AttentionInputs, Mask, Masker, RequestState, SinkMasker, Size};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let q = Tensor::rand([1, 1, 1, 8], (Kind::Float, Device::Cpu));
/// let kv = Tensor::rand([1, 1, 6, 8], (Kind::Float, Device::Cpu));
/// let inputs = AttentionInputs::new(&q, &kv, &kv, 1.0)?;
/// let mut state = RequestState::new(0);
///
/// let empty = Mask::empty(inputs.dims().mask_shape());
/// let mask = SinkMasker::new(Size::Count(2))?.select(&inputs, &mut state.layer(0, 0), empty)?;
/// let weights = Vec::<f32>::try_from(mask.to_dense(Device::Cpu)?.flatten(0, -1))?;
/// assert_eq!(weights, [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
/// # Ok(())
/// # }
/// ```
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
