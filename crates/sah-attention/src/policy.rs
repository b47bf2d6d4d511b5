//! Dense or sparse, as a value that a model's forward pass is given.

use crate::attention::{AttentionOutput, ResearchAttention};
use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::dense_attention;
use crate::state::RequestState;

/// Which attention a forward pass computes.
///
/// A model takes `&mut AttentionPolicy` and calls [`attend`](Self::attend) once per layer. The caller decides: dense for
/// the context, sparse for question and answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum AttentionPolicy<'a> {
    /// Every key that causality permits.
    Dense,
    /// What the maskers of `attention` select.
    Sparse {
        /// Maskers and kernel, shared by all layers and requests.
        attention: &'a ResearchAttention,
        /// What the maskers remember of this request.
        state: &'a mut RequestState,
    },
}

impl AttentionPolicy<'_> {
    /// Attention of layer `layer` (from 0).
    pub fn attend(&mut self, layer: usize, inputs: &AttentionInputs<'_>) -> Result<AttentionOutput> {
        match self {
            Self::Dense => Ok(AttentionOutput { output: dense_attention(inputs)?, density: 1.0 }),
            Self::Sparse { attention, state } => attention.attend(inputs, layer, state),
        }
    }
}
