//! Kernels: attention over what is selected.

mod chooser;
mod cpu;
mod reads;
mod reference;
mod registry;
mod torch;

use std::fmt::Debug;

use tch::Tensor;

pub use chooser::AutoKernel;
pub use cpu::{FusedKernel, TiledKernel};
pub(crate) use cpu::{OverRows, readable_inputs, weights_over_rows};
pub use reads::Reads;
pub use reference::ReferenceKernel;
pub use registry::KernelRegistry;
pub use torch::GatherKernel;

use crate::error::{Error, Result};
use crate::inputs::AttentionInputs;

/// Computes attention over a selection.
///
/// With `W` the weights of the mask and `S` the scores (scaled, and capped where the layer caps them), row by row over the
/// keys that the row [reads](Reads):
///
/// ```text
/// out_i = sum_j exp(S_ij) / W_ij * v_j  /  (exp(s_i) + sum_j exp(S_ij) / W_ij)
/// ```
///
/// which is softmax attention over the selection where all weights are 1, and the self-normalised inverse-probability
/// estimate of dense attention where keys were sampled. `s_i` is the row's [sink](AttentionInputs::with_sink_scores), where the layer has them.
///
/// A kernel of another crate implements [`name`](Self::name) and [`attend`](Self::attend), and is used for everything, dense and
/// sparse, by [`ResearchAttention::with_kernel`](crate::ResearchAttention::with_kernel) and
/// [`AttentionPolicy::Dense`](crate::AttentionPolicy::Dense). [`Reads::check`] has the checks that all kernels share.
///
/// ```
/// use sah_attention::{AttentionInputs, AutoKernel, Kernel, Reads, Result};
/// use tch::{Device, Kind, Tensor};
///
/// /// The mean of the values that a row reads, whatever the scores.
/// #[derive(Debug)]
/// struct Mean;
///
/// impl Kernel for Mean {
///     fn name(&self) -> &'static str {
///         "mean"
///     }
///
///     fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
///         let zeros = inputs.queries().zeros_like();
///         let (keys, values) = (inputs.keys()?, inputs.values()?);
///         AutoKernel.attend(&AttentionInputs::new(&zeros, &keys, &values, 1.0)?, reads)
///     }
/// }
///
/// let x = Tensor::rand([1, 1, 8, 4], (Kind::Float, Device::Cpu));
/// let out = Mean.attend(&AttentionInputs::new(&x, &x, &x, 0.5)?, Reads::All)?;
/// assert!((out.get(0).get(0).get(7) - x.mean_dim([2].as_slice(), false, Kind::Float).view([4])).abs().max().double_value(&[]) < 1e-6);
/// # Ok::<(), sah_attention::Error>(())
/// ```
pub trait Kernel: Debug + Send + Sync {
    /// Its name on the command line and in results.
    fn name(&self) -> &'static str;

    /// Attention `[B, H, Q, Dv]` in the kind of the inputs.
    ///
    /// Reads that do not fit the inputs are the errors of [`Reads::check`], inputs that this kernel does not compute are
    /// [`Error::KernelInputs`]: no kernel leaves them to another.
    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor>;

    /// Of a kernel that chooses between others, the one that computes these; `None` of one that computes them itself.
    fn chosen(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Option<&dyn Kernel>> {
        let _ = (inputs, reads);
        Ok(None)
    }
}

/// [`Error::KernelInputs`].
fn refused<T>(kernel: &'static str, problem: impl Into<String>) -> Result<T> {
    Err(Error::KernelInputs { kernel, problem: problem.into() })
}
