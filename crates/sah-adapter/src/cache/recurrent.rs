//! What layers remember that keep no keys: a state of one size, whatever the length of the sequence.

use tch::Tensor;

use crate::ExternalMemory;

/// What a layer remembers of the tokens so far. It is replaced, never written to: copies share it.
#[derive(Debug)]
pub(crate) enum LayerMemory {
    Delta(DeltaMemory),
    /// Of all such layers of a network that another library runs.
    External(ExternalMemory),
}

/// What a gated delta rule remembers.
#[derive(Debug)]
pub(crate) struct DeltaMemory {
    /// The last inputs of its convolution, `[1, C, k - 1]`.
    pub(crate) inputs: Tensor,
    /// `[Hv, Dk, Dv]` of f32.
    pub(crate) state: Tensor,
}

/// What all such layers of a sequence remember; nothing before its first token.
#[derive(Debug, Default)]
pub(crate) struct Memory(Vec<Option<LayerMemory>>);

impl Memory {
    /// Of `layers` layers.
    pub(super) fn new(layers: usize) -> Self {
        Self((0..layers).map(|_| None).collect())
    }

    /// That of such a layer, counted among them.
    pub(super) fn of_layer(&self, layer: usize) -> Option<&LayerMemory> {
        self.0[layer].as_ref()
    }

    pub(super) fn replace(&mut self, layer: usize, memory: LayerMemory) {
        self.0[layer] = Some(memory);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, with the same tensors.
    pub(super) fn share(&self) -> Self {
        Self(self.0.iter().map(|layer| layer.as_ref().map(LayerMemory::share)).collect())
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().flatten().map(LayerMemory::bytes).sum()
    }
}

impl LayerMemory {
    /// The same, with the same tensors.
    fn share(&self) -> Self {
        match self {
            Self::Delta(DeltaMemory { inputs, state }) => {
                Self::Delta(DeltaMemory { inputs: inputs.shallow_clone(), state: state.shallow_clone() })
            }
            Self::External(memory) => Self::External(memory.clone()),
        }
    }

    /// In bytes.
    fn bytes(&self) -> usize {
        let bytes = |tensor: &Tensor| tensor.numel() * tensor.kind().elt_size_in_bytes();
        match self {
            Self::Delta(DeltaMemory { inputs, state }) => bytes(inputs) + bytes(state),
            Self::External(memory) => memory.bytes,
        }
    }
}
