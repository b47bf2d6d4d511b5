//! The local window: the last keys before each query row.

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::{Mask, RowRanges};
use crate::masker::Masker;
use crate::size::Size;
use crate::state::LayerState;

/// Selects, for every query row, the `w` keys that end at the row's own position.
///
/// The rolling window of `StreamingLLM` (Xiao et al. 2023, arXiv 2309.17453).
///
/// With `w` the [size](Size::of) out of `K` keys and row `i` of `Q` at position `p = K - Q + i`, key `j` is selected where
///
/// ```text
/// p - w < j <= p
/// ```
///
/// and everything is selected where `K <= w + Q`. A fraction that truncates to `w = 0` adds nothing.
///
/// ```
/// use sah_attention::{AttentionInputs, LocalMasker, Mask, Masker, RequestState, Size};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let q = Tensor::rand([1, 1, 2, 8], (Kind::Float, Device::Cpu));
/// let kv = Tensor::rand([1, 1, 5, 8], (Kind::Float, Device::Cpu));
/// let inputs = AttentionInputs::new(&q, &kv, &kv, 1.0)?;
/// let mut state = RequestState::new(0);
///
/// let empty = Mask::empty(inputs.dims().mask_shape());
/// let mask = LocalMasker::new(Size::Count(2))?.select(&inputs, &mut state.layer(0, 0), empty)?;
/// let weights = Vec::<f32>::try_from(mask.to_dense(Device::Cpu)?.flatten(0, -1))?;
/// assert_eq!(weights, [0.0, 0.0, 1.0, 1.0, 0.0, /* row 1 */ 0.0, 0.0, 0.0, 1.0, 1.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalMasker {
    size: Size,
}

impl LocalMasker {
    /// A masker of the last `size` keys; `size` must be greater than 0, a fraction at most 1.
    pub fn new(size: Size) -> Result<Self> {
        Ok(Self { size: size.validate("local size")? })
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

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        _state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = inputs.dims();
        let window = self.size.of(dims.keys);
        if previous.is_full() || dims.keys <= window.saturating_add(dims.queries) {
            return Ok(Mask::full(dims.mask_shape()));
        }
        let ranges = RowRanges::from_fn(dims.queries, dims.keys, |row| {
            let end = dims.past() + row + 1;
            end - window..end
        })?;
        previous.merge(Mask::from_ranges(dims.mask_shape(), ranges)?)
    }
}
