//! The sparse kernel: reads only the keys and values that were selected.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{Kernel, ReferenceKernel, check_mask, dense_attention};
use crate::mask::Mask;

/// Reads only selected keys and values.
#[derive(Debug, Clone, Copy, Default)]
pub struct GatherKernel;

impl Kernel for GatherKernel {
    fn name(&self) -> &'static str {
        "sparse"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<Tensor> {
        check_mask(inputs, mask)?;
        if mask.is_full() { dense_attention(inputs) } else { ReferenceKernel.attend(inputs, mask) }
    }
}
