//! The kernel that fits the inputs.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{FusedKernel, GatherKernel, Kernel, fused};
use crate::mask::{Mask, Selection};

/// Chooses for each call: [`FusedKernel`] for one query row, and for several that read single keys, where it takes the
/// inputs; [`GatherKernel`] otherwise. Several rows that read ranges share most of their keys, which matrix products make
/// the most of.
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
    let lists = matches!(mask.selection(), Selection::Sparse(s) if s.list().is_some() || s.pages().is_some());
    let by_rows = inputs.dims().queries == 1 || lists;
    Ok(if by_rows && fused::supports(inputs)? { &FusedKernel } else { &GatherKernel })
}
