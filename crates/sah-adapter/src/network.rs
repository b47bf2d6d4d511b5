//! [`Network`]: a model without its tokenizer.

use std::path::Path;

use sah_attention::{AttentionPolicy, KeptKeys, KvFormat};
use tch::Device;

use crate::cache::KvCache;
use crate::hf::json;
use crate::model::{CausalLm, ConfigOverrides, ModelSpec};
use crate::weights::Weights;
use crate::weights::gguf::{Gguf, GgufWeights, hf_config};
use crate::weights::safetensors::Safetensors;
use crate::{Error, ModelSizes, Placement, Precision};

/// A model in memory that takes token ids and gives logits: for comparisons with other implementations, and for
/// checkpoints that have no tokenizer.
#[derive(Debug)]
pub struct Network {
    model: Box<dyn CausalLm>,
    cache: KvFormat,
}

/// Tokens that a [`Network`] has seen, and its KV cache of them.
#[derive(Debug)]
pub struct Sequence<'a> {
    network: &'a Network,
    cache: KvCache,
}

impl Network {
    /// Loads a folder's `config.json` and safetensors, or a GGUF file, to a device or several, in a precision: a
    /// [`Kind`](tch::Kind) (f32, bf16 or f16), or one beside which weights or the cache are kept otherwise.
    ///
    /// # Errors
    ///
    /// Files that are missing, broken, or ask for something that is not supported; each error names file and field.
    pub fn load(
        path: &Path,
        placement: impl Into<Placement>,
        precision: impl Into<Precision>,
    ) -> Result<Self, Error> {
        let precision = precision.into();
        let (config, path, weights) = if path.is_file() {
            let gguf = Gguf::open(path)?;
            let config = hf_config(&gguf)?;
            let weights = Weights::Gguf(GgufWeights::new(gguf, &config)?);
            (config, path.to_owned(), weights)
        } else {
            let file = path.join("config.json");
            (json::read(&file)?, file, Weights::Safetensors(Safetensors::open(path)?))
        };
        let spec = ModelSpec::read(&config, &path, &ConfigOverrides::default())?;
        let (model, _) = tch::no_grad(|| spec.load(&weights, &placement.into(), precision))?;
        Ok(Self { model, cache: precision.cache })
    }

    /// How many positions the model was made for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.model.positions()
    }

    /// What the model multiplies with, and the memory that it reads for each token.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        let sizes = self.model.sizes();
        ModelSizes { cache_row_bytes: self.cache.row_bytes(sizes.head_dim), ..sizes }
    }

    /// An empty sequence with room for `capacity` tokens.
    ///
    /// # Errors
    ///
    /// No memory for the cache.
    pub fn sequence(&self, capacity: usize) -> Result<Sequence<'_>, Error> {
        let cache = KvCache::new(&self.model.cache_shape(), capacity, self.cache)?;
        Ok(Sequence { network: self, cache })
    }

    /// An empty sequence of any length that holds the keys of at most `capacity` tokens, and evicts all but `kept` when
    /// it has no room: for attention that never reads the others
    /// ([`ResearchAttention::kept_keys`](sah_attention::ResearchAttention::kept_keys)).
    ///
    /// # Errors
    ///
    /// No memory for the cache, and one that packs keys in groups.
    pub fn evicting_sequence(&self, capacity: usize, kept: KeptKeys) -> Result<Sequence<'_>, Error> {
        if self.cache.packs() {
            return Err(Error::EvictionOfGroups { format: self.cache });
        }
        let Sequence { network, cache } = self.sequence(capacity)?;
        Ok(Sequence { network, cache: cache.evicting(kept) })
    }
}

impl Sequence<'_> {
    /// Reads `ids` after the tokens seen so far and gives the logits after the last one, `[vocabulary]`.
    ///
    /// # Errors
    ///
    /// No ids, ids that the model does not have, more than there is room for, or a selection of `attention` that leaves a
    /// row nothing to read.
    pub fn feed(&mut self, ids: &[u32], attention: &mut AttentionPolicy<'_>) -> Result<Vec<f32>, Error> {
        if ids.is_empty() {
            return Err(Error::EmptyQuestion);
        }
        let model = &self.network.model;
        let logits = tch::no_grad(|| model.logits(&[&model.forward(ids, &mut self.cache, attention)?]))?;
        Ok(Vec::try_from(&logits.f_view([-1])?.f_to_device(Device::Cpu)?)?)
    }

    /// Packs the older keys and values of the tokens seen so far, where the cache's form
    /// [packs](sah_attention::KvFormat::packs) any: they are read as they were until then.
    ///
    /// # Errors
    ///
    /// No memory for them, and heads whose keys do not fill whole bytes.
    pub fn pack(self) -> Result<Self, Error> {
        let Self { network, cache } = self;
        let cache = if network.cache.packs() { cache.pack()? } else { cache };
        Ok(Self { network, cache })
    }

    /// Tokens seen so far, whether their keys are still there or not.
    #[must_use]
    pub fn length(&self) -> usize {
        self.cache.length()
    }

    /// Announces that the tokens to come belong to a prompt of `length` tokens in all. Rotary embeddings that depend on
    /// the length of the sequence (`dynamic`, `longrope`) then treat its parts as if they were read in one pass.
    pub fn expect(&mut self, length: usize) {
        self.cache.expect(length);
    }
}
