//! Kernels: attention over what a mask selects.

mod auto;
mod dense;
pub(crate) mod fold;
mod fused;
mod gather;
mod lists;
mod part;
mod ranges;
mod reference;
mod rows;
mod tiled;

use std::fmt::Debug;

use tch::Tensor;

pub use auto::AutoKernel;
pub use dense::dense_attention;
pub use fused::FusedKernel;
pub use gather::GatherKernel;
pub use ranges::attend_ranges;
pub use reference::ReferenceKernel;
pub use tiled::TiledKernel;

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;
use crate::mask::Mask;

/// Computes attention over a selection.
///
/// With `W` the weights of the mask and `S` the scores (scaled, and capped where the layer caps them), row by row over the
/// selected keys up to the row's position and within the layer's sliding window:
///
/// ```text
/// out_i = sum_j exp(S_ij) / W_ij * v_j  /  sum_j exp(S_ij) / W_ij
/// ```
///
/// which is softmax attention over the selection where all weights are 1, and the self-normalised inverse-probability
/// estimate of dense attention where keys were sampled.
pub trait Kernel: Debug + Send + Sync {
    /// Its name in results.
    fn name(&self) -> &'static str;

    /// Name of the kernel that computes these: its own, unless it leaves them to another.
    fn backend(&self, inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<&'static str> {
        let _ = (inputs, mask);
        Ok(self.name())
    }

    /// Attention `[B, H, Q, Dv]` in the kind of the inputs.
    ///
    /// The mask must be `[B, H, Q, K]`. A row with nothing to read is [`Error::EmptySelection`].
    fn attend(&self, inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<Tensor>;
}

/// Whether `mask` is over these inputs.
fn check_mask(inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<()> {
    let expected = inputs.dims().mask_shape();
    if *mask.shape() != expected {
        return Err(Error::MaskShape { expected, found: *mask.shape() });
    }
    if mask.is_full() { inputs.check_whole("a full mask") } else { Ok(()) }
}

/// Fails for the first row that has nothing to read.
fn check_rows(inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<()> {
    match mask.first_row_without_entry(&inputs.visible())? {
        Some(row) => Err(Error::EmptySelection { row, layer: None, window: inputs.window() }),
        None => Ok(()),
    }
}
