//! In which numbers a model computes, and in which it keeps its weights and what it has read.

use sah_attention::KvFormat;
use tch::Kind;

/// The numbers of a model. A [`Kind`] alone is the kind of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Of activations, and of weights where they are [`WeightStorage::Expanded`]: f32, bf16 or f16.
    pub kind: Kind,
    /// How matrices of weights are kept. Norms, biases and learned positions are always of `kind`.
    pub weights: WeightStorage,
    /// How keys and values are kept in the cache, from where attention reads them, also those of the tokens being read. Of
    /// [`KvFormat::Kivi`] those of a context, once it is read.
    pub cache: KvFormat,
}

/// How matrices of weights are kept in memory.
///
/// With few rows, as in decoding, products with [`WeightStorage::Bf16`] and [`WeightStorage::Stored`] read the weights as
/// they are kept and sum in f32. With many, as in a prefill, one matrix at a time is expanded for the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightStorage {
    /// In the kind of the activations.
    #[default]
    Expanded,
    /// In bf16, rounded once.
    Bf16,
    /// As the checkpoint has them, without any rounding: GGUF's quantised blocks, bf16 or f32. On the CPU only.
    Stored,
}

impl From<Kind> for Precision {
    fn from(kind: Kind) -> Self {
        Self { kind, weights: WeightStorage::Expanded, cache: KvFormat::Plain(kind) }
    }
}

impl Precision {
    /// The same, with weights kept in another way.
    #[must_use]
    pub fn with_weights(self, weights: WeightStorage) -> Self {
        Self { weights, ..self }
    }

    /// The same, with keys and values kept in another form.
    #[must_use]
    pub fn with_cache(self, cache: KvFormat) -> Self {
        Self { cache, ..self }
    }
}
