//! [`Network`]: a model without its tokenizer.

use std::path::Path;
use std::sync::Arc;

use sah_attention::{AttentionPolicy, KeptKeys, KvFormat, Retention};
use tch::Device;

use crate::cache::KvCache;
use crate::engine::{Observed, head_scores};
use crate::hf::json;
use crate::model::{CausalLm, ConfigOverrides, External, ExternalNetwork, ModelSpec, NewTokens};
use crate::weights::Weights;
use crate::weights::gguf::{Gguf, GgufWeights, hf_config};
use crate::weights::safetensors::Safetensors;
use crate::{Error, ModelSizes, Placement, Precision, RepeatTokens};

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
    /// Tokens of the prompt; see [`NewTokens`].
    prompt: usize,
}

/// A sequence from which a retention has dropped keys.
#[derive(Debug)]
pub struct Retained<'a> {
    /// What is left of it.
    pub sequence: Sequence<'a>,
    /// The keys that are left of each layer and KV head: their positions, in ascending order.
    pub kept: Vec<Vec<Vec<usize>>>,
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

    /// One that another library runs, whose keys and values are kept in `format`.
    #[must_use]
    pub fn external(network: Arc<dyn ExternalNetwork>, format: KvFormat) -> Self {
        Self { model: Box::new(External(network)), cache: format }
    }

    /// How many positions the model was made for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.model.positions()
    }

    /// What the model multiplies with, and the memory that it reads for each token.
    #[must_use]
    pub fn sizes(&self) -> ModelSizes {
        self.model.sizes(self.cache)
    }

    /// An empty sequence with room for `capacity` tokens.
    ///
    /// # Errors
    ///
    /// No memory for the cache.
    pub fn sequence(&self, capacity: usize) -> Result<Sequence<'_>, Error> {
        let cache = KvCache::new(&self.model.cache_shape(), capacity, self.cache)?;
        Ok(Sequence { network: self, cache, prompt: 0 })
    }

    /// A sequence of `ids`, which are read densely, of which `retention` has left some keys, with room for `room` tokens more. `repeat` asks the model to repeat `ids`, where the retention looks at that.
    ///
    /// # Errors
    ///
    /// No ids, ids that the model does not have, no memory for the cache, and what the retention says.
    pub fn retained_sequence(
        &self,
        ids: &[u32],
        retention: &Retention,
        repeat: &RepeatTokens,
        room: usize,
    ) -> Result<Retained<'_>, Error> {
        if ids.is_empty() {
            return Err(Error::EmptyQuestion);
        }
        let needs = retention.needs();
        let pass = needs.repetition.map_or(0, |repetition| repeat.longest_pass(repetition, ids.len()));
        let Sequence { mut cache, .. } = self.sequence(ids.len() + pass)?;
        let mut observed = Observed::new(needs, 0);
        tch::no_grad(|| {
            let dense = &mut AttentionPolicy::dense();
            observed.read(&*self.model, ids, &mut cache, dense, &mut |_| ())?;
            if let Some(repetition) = needs.repetition {
                observed.repeat(&*self.model, (repetition, repeat), ids, &mut cache, dense)?;
            }
            let kept = observed.keep(&*self.model, &cache, retention, 0)?;
            let cache = cache.compact(&kept, room)?;
            Ok(Retained { sequence: Sequence { network: self, cache, prompt: 0 }, kept })
        })
    }

    /// How much each KV head of each layer retrieves, `[L][Hkv]`, by the mean queries and keys of `texts`: what
    /// [`DuoAttention`](sah_attention::retention::DuoAttention) chooses heads by.
    ///
    /// # Errors
    ///
    /// Ids that the model does not have, or no memory for the cache.
    pub fn head_scores(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, Error> {
        tch::no_grad(|| head_scores(&*self.model, texts, self.cache))
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
        let Sequence { network, cache, prompt } = self.sequence(capacity)?;
        Ok(Sequence { network, cache: cache.evicting(kept), prompt })
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
        let tokens = NewTokens { ids, prompt: self.prompt };
        let logits = tch::no_grad(|| model.logits(&[&model.forward(tokens, &mut self.cache, attention)?]))?;
        Ok(Vec::try_from(&logits.f_view([-1])?.f_to_device(Device::Cpu)?)?)
    }

    /// Packs the older keys and values of the tokens seen so far, where the cache's form
    /// [packs](sah_attention::KvFormat::packs) any: they are read as they were until then.
    ///
    /// # Errors
    ///
    /// No memory for them, and heads whose keys do not fill whole bytes.
    pub fn pack(self) -> Result<Self, Error> {
        let Self { network, cache, prompt } = self;
        let cache = if network.cache.packs() { cache.pack()? } else { cache };
        Ok(Self { network, cache, prompt })
    }

    /// Tokens seen so far, whether their keys are still there or not.
    #[must_use]
    pub fn length(&self) -> usize {
        self.cache.length()
    }

    /// Bytes of keys and values, with the room for tokens to come.
    #[must_use]
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Announces that the tokens to come belong to a prompt of `length` tokens in all. Rotary embeddings that depend on
    /// the length of the sequence (`dynamic`, `longrope`) then treat its parts as if they were read in one pass.
    pub fn expect(&mut self, length: usize) {
        self.prompt = length;
    }
}
