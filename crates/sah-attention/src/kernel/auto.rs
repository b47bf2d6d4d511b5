//! The kernel that fits the inputs.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::rows::readable_inputs;
use crate::kernel::{FusedKernel, GatherKernel, Kernel, TiledKernel, tiled};
use crate::mask::Mask;

/// Chooses for each call: on the CPU, where rows are f32, bf16, f16 or 8-bit, [`FusedKernel`] for one query row and for several
/// that read single keys, [`TiledKernel`] for several that read ranges and so share most of their keys; [`GatherKernel`]
/// otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct AutoKernel;

impl Kernel for AutoKernel {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn backend(&self, inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<&'static str> {
        choose(inputs, mask)?.backend(inputs, mask)
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<Tensor> {
        choose(inputs, mask)?.attend(inputs, mask)
    }
}

fn choose(inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<&'static dyn Kernel> {
    Ok(match inputs.dims().queries {
        _ if !readable_inputs(inputs)? => &GatherKernel,
        2.. if tiled::is_of_ranges(mask) => &TiledKernel,
        _ => &FusedKernel,
    })
}
