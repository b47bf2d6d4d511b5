//! Kernels for the CPU, which read f32, bf16, f16, 8-bit and packed rows where they lie in the cache.

mod fused;
mod part;
mod rows;
mod sinks;
mod source;
mod tiled;

pub use fused::FusedKernel;
pub(crate) use rows::readable_inputs;
pub use tiled::TiledKernel;
pub(crate) use tiled::{OverRows, weights_over_rows};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::refused;

/// Fails where the kernels of this folder do not read the inputs.
fn check_readable(kernel: &'static str, inputs: &AttentionInputs<'_>) -> Result<()> {
    if readable_inputs(inputs)? {
        return Ok(());
    }
    let (kind, device, format) = (inputs.kind(), inputs.device(), inputs.format());
    refused(
        kernel,
        format!(
            "reads f32, bf16, f16, 8-bit and packed rows that lie in one piece each on the CPU, for queries up to f32; here are {kind:?} \
             queries and rows stored as {format} on {device:?}"
        ),
    )
}
