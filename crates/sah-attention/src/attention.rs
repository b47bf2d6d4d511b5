//! Maskers and a kernel, composed.

use std::sync::Arc;

use tch::Tensor;

use crate::config::AttentionConfig;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::eviction::KeptKeys;
use crate::inputs::AttentionInputs;
use crate::kernel::{AutoKernel, Kernel, Reads};
use crate::mask::Mask;
use crate::masker::Masker;
use crate::state::RequestState;

/// Attention of one layer, and how much of it was read.
#[derive(Debug)]
pub struct AttentionOutput {
    /// `[B, H, Q, Dv]`, in the kind of the inputs.
    pub output: Tensor,
    /// How much was read of what could be.
    pub density: Density,
    /// What was selected, `[B, H, Q, K]`.
    pub mask: Mask,
    /// Name of the kernel that computed the output; `dense` for [`AttentionPolicy::Dense`](crate::AttentionPolicy::Dense).
    pub backend: &'static str,
}

impl AttentionOutput {
    /// What `kernel` computed over `inputs` with `mask`.
    pub fn new(
        inputs: &AttentionInputs<'_>,
        output: Tensor,
        mask: Mask,
        kernel: &'static str,
    ) -> Result<Self> {
        Ok(Self { output, density: Density::of(inputs, &mask)?, mask, backend: kernel })
    }
}

/// Sparse attention: maskers that are applied in order, and the kernel that computes over what they selected.
///
/// Immutable. One value serves all layers and all requests; what changes lives in [`RequestState`].
#[derive(Debug)]
pub struct ResearchAttention {
    maskers: Vec<Box<dyn Masker>>,
    kernel: Arc<dyn Kernel>,
    dense_layers: usize,
}

impl ResearchAttention {
    /// Composes `maskers`, first to last, with the kernel that reads only what was selected.
    ///
    /// No masker at all is an error, and so are two that sample: their inclusion probabilities would not combine.
    pub fn new(maskers: Vec<Box<dyn Masker>>) -> Result<Self> {
        if maskers.is_empty() {
            return Err(Error::NoMaskers);
        }
        let mut sampling = maskers.iter().filter(|masker| masker.is_sampling());
        if let (Some(first), Some(second)) = (sampling.next(), sampling.next()) {
            return Err(Error::TwoSamplingMaskers { first: first.name(), second: second.name() });
        }
        Ok(Self { maskers, kernel: Arc::new(AutoKernel), dense_layers: 0 })
    }

    /// Builds what `config` describes.
    pub fn from_config(config: &AttentionConfig) -> Result<Self> {
        Ok(Self { dense_layers: config.dense_layers, ..Self::new(config.build_maskers()?)? })
    }

    /// The same maskers with another kernel, which computes whatever they select, everything included.
    #[must_use]
    pub fn with_kernel(self, kernel: Arc<dyn Kernel>) -> Self {
        Self { kernel, ..self }
    }

    /// The maskers, in the order in which they are applied.
    #[must_use]
    pub fn maskers(&self) -> &[Box<dyn Masker>] {
        &self.maskers
    }

    /// The kernel.
    #[must_use]
    pub fn kernel(&self) -> &dyn Kernel {
        &*self.kernel
    }

    /// The first so many layers are dense.
    #[must_use]
    pub fn dense_layers(&self) -> usize {
        self.dense_layers
    }

    /// The attention to use for prefill in chunks. Fails where a masker cannot; see
    /// [`Masker::for_prefill`].
    pub fn for_prefill(&self) -> Result<Self> {
        let maskers = self.maskers.iter().map(|masker| {
            masker.for_prefill().ok_or_else(|| Error::NoSparsePrefill { masker: masker.name() })
        });
        let maskers = maskers.collect::<Result<_>>()?;
        Ok(Self { maskers, kernel: Arc::clone(&self.kernel), dense_layers: self.dense_layers })
    }

    /// The keys that the maskers may select for rows to come: all others can be evicted, in every layer. Fails where that may
    /// be any key; see [`Masker::keeps`].
    pub fn kept_keys(&self) -> Result<KeptKeys> {
        if self.dense_layers > 0 {
            return Err(Error::NoEviction { reader: format!("{} dense layers", self.dense_layers) });
        }
        self.maskers.iter().try_fold(KeptKeys { sinks: 0, window: 0 }, |kept, masker| {
            let keeps = masker.keeps();
            let keeps = keeps.ok_or_else(|| Error::NoEviction { reader: format!("`{}`", masker.name()) })?;
            Ok(kept.union(keeps))
        })
    }

    /// Fails where the maskers may select a key that was evicted.
    fn check_evicted(&self, inputs: &AttentionInputs<'_>) -> Result<()> {
        let positions = inputs.positions();
        if positions.missed() == 0 {
            return Ok(());
        }
        let kept = self.kept_keys()?;
        // The first row's own key and those before it, back to the last that was evicted.
        let window = inputs.dims().past() - positions.first() + 1;
        if !positions.begins_with(kept.sinks) || window < kept.window {
            let reader = format!("a selection of {} first and {} last keys", kept.sinks, kept.window);
            return Err(Error::Evicted { reader, count: positions.missed() });
        }
        Ok(())
    }

    /// What the maskers select for layer `layer`; everything in the first [dense layers](Self::dense_layers).
    pub fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        layer: usize,
        state: &mut RequestState,
    ) -> Result<Mask> {
        let _no_grad = tch::no_grad_guard();
        self.check_evicted(inputs)?;
        let shape = inputs.dims().mask_shape();
        if layer < self.dense_layers {
            return Ok(Mask::full(shape));
        }
        let first = inputs.layer_heads().first;
        let mut mask = Mask::empty(shape);
        for (slot, masker) in self.maskers.iter().enumerate() {
            mask = masker.select(inputs, &mut state.heads(layer, first, slot), mask)?;
        }
        Ok(mask)
    }

    /// Selects and computes attention of layer `layer`.
    ///
    /// Where the layer has a sliding window, a row reads what was selected and lies within the window. A query row for
    /// which nothing is left is [`Error::EmptySelection`]: sinks alone leave nothing in such a layer, while a local
    /// masker always keeps the row's own key.
    pub fn attend(
        &self,
        inputs: &AttentionInputs<'_>,
        layer: usize,
        state: &mut RequestState,
    ) -> Result<AttentionOutput> {
        let _no_grad = tch::no_grad_guard();
        let mask = self.select(inputs, layer, state)?;
        let reads = Reads::Mask(&mask);
        let kernel = self.kernel.chosen(inputs, reads)?.unwrap_or(&*self.kernel);
        let output = kernel.attend(inputs, reads).map_err(|error| error.in_layer(layer))?;
        AttentionOutput::new(inputs, output, mask, kernel.name())
    }
}
