//! Dense or sparse attention, as a value that a model's forward pass takes.

use std::fmt::Debug;

use tch::Tensor;

use crate::attention::{AttentionOutput, ResearchAttention};
use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{AutoKernel, Kernel, Reads};
use crate::mask::Mask;
use crate::state::RequestState;

/// Which attention a forward pass computes.
///
/// A model takes `&mut AttentionPolicy` and calls [`attend`](Self::attend) once per layer. The caller decides: dense for
/// the context, sparse for question and answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttentionPolicy<'a> {
    /// Every key that causality permits.
    Dense {
        /// What computes it.
        kernel: &'a dyn Kernel,
    },
    /// What the maskers of `attention` select.
    Sparse {
        /// Maskers and kernel, shared by all layers and requests.
        attention: &'a ResearchAttention,
        /// What the maskers remember of this request.
        state: &'a mut RequestState,
    },
    /// As `policy` says, and `observer` sees every call.
    Observed {
        /// What is computed.
        policy: Box<AttentionPolicy<'a>>,
        /// What is told of every call.
        observer: &'a mut dyn AttentionObserver,
    },
}

/// Sees the attention of every layer: to measure its error, or to keep queries and keys.
pub trait AttentionObserver: Debug {
    /// Attention of layer `layer` (from 0) over `inputs` gave `attended`. An error ends the forward pass.
    fn attended(
        &mut self,
        layer: usize,
        inputs: &AttentionInputs<'_>,
        attended: &AttentionOutput,
    ) -> Result<()>;

    /// Whether it has to see the call of layer `layer`: dense attention is then not computed in another form.
    fn must_see(&self, _layer: usize) -> bool {
        false
    }

    /// Dense attention of layer `layer` from `queries`, `[1, H, Q, D]`, was computed in another form, by the kernel that
    /// [`AttentionPolicy::dense_kernel`] gave.
    fn attended_densely(&mut self, _layer: usize, _queries: &Tensor) -> Result<()> {
        Ok(())
    }
}

impl<'a> AttentionPolicy<'a> {
    /// Dense attention by the kernel that fits the inputs.
    #[must_use]
    pub fn dense() -> Self {
        Self::Dense { kernel: &AutoKernel }
    }

    /// The same policy, with an observer of every call.
    ///
    /// ```
    /// use sah_attention::{AttentionInputs, AttentionObserver, AttentionOutput, AttentionPolicy, Result};
    /// # use tch::{Device, Kind, Tensor};
    ///
    /// #[derive(Debug, Default)]
    /// struct Calls(usize);
    ///
    /// impl AttentionObserver for Calls {
    ///     fn attended(&mut self, _: usize, _: &AttentionInputs<'_>, _: &AttentionOutput) -> Result<()> {
    ///         self.0 += 1;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let x = Tensor::rand([1, 1, 8, 4], (Kind::Float, Device::Cpu));
    /// # let inputs = AttentionInputs::new(&x, &x, &x, 0.5)?;
    /// let mut calls = Calls::default();
    /// AttentionPolicy::dense().observed(&mut calls).attend(0, &inputs)?;
    /// assert_eq!(calls.0, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn observed(self, observer: &'a mut dyn AttentionObserver) -> Self {
        Self::Observed { policy: Box::new(self), observer }
    }

    /// The same policy for a while: for one forward pass with an observer of its own, say.
    #[must_use]
    pub fn reborrow(&mut self) -> AttentionPolicy<'_> {
        match self {
            Self::Dense { kernel } => AttentionPolicy::Dense { kernel: *kernel },
            Self::Sparse { attention, state } => AttentionPolicy::Sparse { attention, state },
            Self::Observed { policy, observer } => {
                AttentionPolicy::Observed { policy: Box::new(policy.reborrow()), observer: *observer }
            }
        }
    }

    /// Whether every key is read that causality permits.
    #[must_use]
    pub fn is_dense(&self) -> bool {
        match self {
            Self::Dense { .. } => true,
            Self::Sparse { .. } => false,
            Self::Observed { policy, .. } => policy.is_dense(),
        }
    }

    /// The kernel of dense attention, for a caller that computes layer `layer` with it from `queries`, `[1, H, Q, D]`, in another form than
    /// [`attend`](Self::attend) does, of which an observer is told; `None` for sparse attention, and for a call that an observer must see.
    pub fn dense_kernel(&mut self, layer: usize, queries: &Tensor) -> Result<Option<&'a dyn Kernel>> {
        match self {
            Self::Dense { kernel } => Ok(Some(*kernel)),
            Self::Sparse { .. } => Ok(None),
            Self::Observed { policy, observer } => {
                if observer.must_see(layer) {
                    return Ok(None);
                }
                let kernel = policy.dense_kernel(layer, queries)?;
                if kernel.is_some() {
                    observer.attended_densely(layer, queries)?;
                }
                Ok(kernel)
            }
        }
    }

    /// Attention of layer `layer` (from 0).
    pub fn attend(&mut self, layer: usize, inputs: &AttentionInputs<'_>) -> Result<AttentionOutput> {
        match self {
            Self::Dense { kernel } => {
                let _no_grad = tch::no_grad_guard();
                let output = kernel.attend(inputs, Reads::All)?;
                AttentionOutput::new(inputs, output, Mask::full(inputs.dims().mask_shape()), "dense")
            }
            Self::Sparse { attention, state } => attention.attend(inputs, layer, state),
            Self::Observed { policy, observer } => {
                let attended = policy.attend(layer, inputs)?;
                observer.attended(layer, inputs, &attended)?;
                Ok(attended)
            }
        }
    }
}
