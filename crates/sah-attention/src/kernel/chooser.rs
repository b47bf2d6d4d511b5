//! The kernel that fits the inputs.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{FusedKernel, GatherKernel, Kernel, Reads, TiledKernel, readable_inputs};

/// Chooses for each call: on the CPU, where rows are f32, bf16, f16, 8-bit or packed, [`FusedKernel`] for one query row and for several
/// that read single keys or no key of each other, [`TiledKernel`] for several that read ranges and so share most of their keys, and for
/// blocks of rows; [`GatherKernel`] otherwise.
///
/// This is the only place where a kernel is chosen, for dense and sparse attention, for prefill and decode.
///
/// ```
/// use sah_attention::{AttentionInputs, AutoKernel, Kernel, Reads, RowRanges};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let cache = Tensor::rand([1, 3, 512, 64], (Kind::Float, Device::Cpu));
/// let filled = cache.narrow(2, 0, 100);
/// let queries = Tensor::rand([1, 9, 7, 64], (Kind::Float, Device::Cpu));
/// let output = AutoKernel.attend(&AttentionInputs::new(&queries, &filled, &filled, 0.125)?, Reads::All)?;
/// assert_eq!(output.size(), [1, 9, 7, 64]);
///
/// // Two questions about one context of 100 tokens, with 7 and 3 tokens of their own.
/// let cache = Tensor::rand([1, 3, 120, 64], (Kind::Float, Device::Cpu));
/// let queries = Tensor::rand([1, 9, 2, 64], (Kind::Float, Device::Cpu));
/// let ranges = RowRanges::from_rows(120, [[0..100, 100..107], [0..100, 110..113]])?;
/// let inputs = AttentionInputs::new(&queries, &cache, &cache, 0.125)?;
/// assert_eq!(AutoKernel.attend(&inputs, Reads::Ranges(&ranges))?.size(), [1, 9, 2, 64]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AutoKernel;

impl Kernel for AutoKernel {
    fn name(&self) -> &'static str {
        "auto"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        choose(inputs, reads)?.attend(inputs, reads)
    }

    fn chosen(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Option<&dyn Kernel>> {
        Ok(Some(choose(inputs, reads)?))
    }
}

fn choose(inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<&'static dyn Kernel> {
    if !readable_inputs(inputs)? {
        return Ok(&GatherKernel);
    }
    Ok(match reads {
        Reads::Ranges(ranges) if ranges.are_apart() => &FusedKernel,
        Reads::Ranges(_) => &TiledKernel,
        _ if inputs.dims().queries > 1 && reads.is_of_ranges() => &TiledKernel,
        _ => &FusedKernel,
    })
}
