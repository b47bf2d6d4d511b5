//! Oracle top-k: the keys with the largest exact scores.

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::mask::Mask;
use crate::masker::Masker;
use crate::masker::shared::scores::of_range;
use crate::masker::shared::top_k::add_top_k;
use crate::size::Size;
use crate::state::LayerState;

/// Selects, for every head and query row, the `k` keys with the largest scores among those that are not selected yet.
///
/// What every top-k method approximates: it computes all scores to find them, so it saves nothing.
///
/// With `k` the [size](Size::of) out of `K` keys and `S = scale * q k^T` of shape `[B, H, Q, K]`:
///
/// ```text
/// added(i) = the k largest S_ij over keys j that row i may read and that no earlier masker selected
/// ```
///
/// and everything is selected where `K <= k`. A row with fewer such keys takes all of them. Of equal scores the later one
/// is taken on the CPU; elsewhere libtorch chooses. Cost: one dense product of queries and keys, `B H Q K D` multiplications; no state.
///
/// ```
/// use sah_attention::{AttentionInputs, Mask, Masker, OracleTopKMasker, RequestState, Size};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let q = Tensor::from_slice(&[1f32]).view([1, 1, 1, 1]);
/// let keys = Tensor::from_slice(&[10f32, 5.0, 1.0, 0.5, 0.1]).view([1, 1, 5, 1]);
/// let inputs = AttentionInputs::new(&q, &keys, &keys, 1.0)?;
/// let mut state = RequestState::new(0);
///
/// let empty = Mask::empty(inputs.dims().mask_shape());
/// let mask = OracleTopKMasker::new(Size::Count(2))?.select(&inputs, &mut state.layer(0, 0), empty)?;
/// let weights = Vec::<f32>::try_from(mask.to_dense(Device::Cpu)?.flatten(0, -1))?;
/// assert_eq!(weights, [1.0, 1.0, 0.0, 0.0, 0.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OracleTopKMasker {
    heavy_size: Size,
}

impl OracleTopKMasker {
    /// A masker of the best `heavy_size` keys; it must be greater than 0, a fraction at most 1.
    pub fn new(heavy_size: Size) -> Result<Self> {
        Ok(Self { heavy_size: heavy_size.validate("heavy_size")? })
    }
}

impl Masker for OracleTopKMasker {
    fn name(&self) -> &'static str {
        "oracle_top_k"
    }

    fn select(&self, inputs: &AttentionInputs<'_>, _: &mut LayerState<'_>, previous: Mask) -> Result<Mask> {
        let dims = inputs.dims();
        let heavy = self.heavy_size.of(dims.keys);
        if previous.is_full() || dims.keys <= heavy {
            return Ok(Mask::full(dims.mask_shape()));
        }
        add_top_k(inputs, previous, heavy, |rows| of_range(inputs, rows, 0..dims.keys))
    }
}
