//! Model architectures. Each is one file (config mirror, config, blocks, public model) and a line in `families.rs`; what
//! several of them have stands in a file of its own.

mod activation;
mod attend;
mod attention;
mod cohere2;
mod config_file;
mod deepseek_experts;
mod deepseek_v3;
mod delta_rule;
mod dims;
mod ernie4_5;
mod exaone4;
mod experts;
mod external;
mod families;
mod feed_forward;
mod gated_delta;
mod gemma;
mod gemma2;
mod gemma3;
mod gemma4;
mod glm4;
mod glm4_moe;
mod gpt2;
mod gpt_oss;
mod granite;
mod hunyuan_v1_dense;
mod latent_attention;
mod layer_input;
mod linear;
mod llama;
mod llama_block;
mod ministral3;
mod mistral;
mod mixer;
mod mixtral;
mod mlp;
mod norm;
mod olmo2;
mod olmo3;
mod overrides;
mod phi3;
mod quantisation;
mod qwen2;
mod qwen2_moe;
mod qwen3;
mod qwen3_5;
mod qwen3_moe;
mod qwen3_next;
mod rope;
mod seed_oss;
mod sizes;
mod smollm3;
mod spec;
mod tie;
mod transformer;
mod window;

use std::ops::Range;

use sah_attention::{AttentionPolicy, Density, KvFormat};
use tch::Tensor;

use config_file::{ConfigFile, shortened};
pub(crate) use external::External;
pub use external::{
    ExternalFacts, ExternalLayer, ExternalMemory, ExternalNetwork, ExternalStep, ExternalTokens, KeptOfLayer,
    LayerCall, LayerCalls,
};
pub use families::{ModelFamily, VERIFIED_AGAINST, families};
pub use overrides::{ConfigOverrides, Given};
pub use sizes::{AttentionSize, MatrixSize, ModelSizes};
pub(crate) use spec::ModelSpec;
use window::LayerWindows;

use crate::Error;
use crate::cache::{Batch, CacheShape, KvCache};

/// Rows of a prompt that are computed at once: activations take the memory of so many, whatever the prompt's length. Products
/// of more rows are faster and take more memory (docs/performance.md).
pub(crate) const CHUNK: usize = 768;

/// Tokens that follow those of a cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewTokens<'a> {
    pub(crate) ids: &'a [u32],
    /// Tokens of the whole prompt that they are part of or continue; 0 where it is not known. Rotary embeddings that depend on the
    /// length of the sequence treat the parts of a prompt as if they came in one pass.
    pub(crate) prompt: usize,
}

impl NewTokens<'_> {
    /// The length of a sequence of `length` tokens, these included, that rotary embeddings go by.
    pub(crate) fn rope_length(&self, length: usize) -> usize {
        self.prompt.max(length)
    }
}

/// A decoder-only language model.
pub(crate) trait CausalLm: std::fmt::Debug {
    /// Runs `tokens`, which follow what is in `cache`, and appends them to it, for which it may evict other keys. `attention`
    /// decides which keys each layer reads.
    fn forward(
        &self,
        tokens: NewTokens<'_>,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error>;

    /// The same in chunks, for attention that selects nothing by the number of rows or keys of a call: dense attention, and
    /// what reads contexts ([`sah_attention::ResearchAttention::for_prefill`]). `on_read` is told after each chunk how many tokens
    /// are done.
    fn read(
        &self,
        tokens: NewTokens<'_>,
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
        on_read: &mut dyn FnMut(usize),
    ) -> Result<Option<Step>, Error> {
        let NewTokens { ids, prompt } = tokens;
        let (mut last, mut density, mut read) = (None, 0.0, 0);
        for chunk in ids.chunks(self.chunk()) {
            let _span = tracing::debug_span!("chunk", tokens = chunk.len()).entered();
            let step = self.forward(NewTokens { ids: chunk, prompt }, cache, attention)?;
            read += chunk.len();
            on_read(read);
            density += step.density.value()? * chunk.len() as f64 / ids.len() as f64;
            last = Some(step.last);
        }
        Ok(last.map(|last| Step { last, density: StepDensity::Known(density) }))
    }

    /// Rows of a prompt that are computed at once.
    fn chunk(&self) -> usize {
        CHUNK
    }

    /// Whether it drops keys of a context itself: then contexts go through [`read_dropping`](Self::read_dropping).
    fn drops_keys(&self) -> bool {
        false
    }

    /// Reads a context into an empty `cache`, and says which keys stay of each layer and KV head: their numbers in ascending order.
    fn read_dropping(
        &self,
        _tokens: NewTokens<'_>,
        _cache: &mut KvCache,
    ) -> Result<Vec<Vec<Vec<usize>>>, Error> {
        unreachable!("it drops none")
    }

    /// A decode step of a batch: runs one of `tokens` for each of the sequences `numbers` and appends it there. `attentions` has one
    /// for each.
    fn forward_batch(
        &self,
        tokens: NewTokens<'_>,
        numbers: &[usize],
        batch: &mut Batch<'_>,
        attentions: &mut [AttentionPolicy<'_>],
    ) -> Result<Vec<Step>, Error>;

    /// The next-token logits after each of `steps`, `[steps, vocabulary]`, f32.
    fn logits(&self, steps: &[&Step]) -> Result<Tensor, Error>;

    /// Queries or keys of a layer, `[1, H, Q, D]`, as they were before they were rotated by their positions from `start` on, in a sequence of
    /// `length`: the same shape, in f32.
    fn unrotated(&self, layer: usize, vectors: &Tensor, start: usize, length: usize)
    -> Result<Tensor, Error>;

    /// The mean over `positions` of the rotations of a layer in a sequence of `length`: the matrix `R`, `[D, D]` in f32, that turns a
    /// query or key `x` into `R x`.
    fn mean_rotation(&self, layer: usize, positions: Range<usize>, length: usize) -> Result<Tensor, Error>;

    /// The weights of a layer's output projection, `[hidden, H D]` in f32.
    fn output_projection(&self, layer: usize) -> Result<Tensor, Error>;

    /// What a cache for this model looks like.
    fn cache_shape(&self) -> CacheShape;

    /// How many positions the model was made for.
    fn positions(&self) -> usize;

    /// How large it is, with a cache in `format`.
    fn sizes(&self, format: KvFormat) -> ModelSizes;
}

/// What one forward pass gives.
#[derive(Debug)]
pub(crate) struct Step {
    /// What the last of the ids became, `[1, 1, hidden]`. Logits of the other positions are never needed: for a long
    /// context they would take gigabytes.
    pub(crate) last: Tensor,
    /// Mean share of the visible keys that attention read, over the layers.
    pub(crate) density: StepDensity,
}

/// The mean density over the layers of a step, which is worked out when it is asked for; see [`Density`].
#[derive(Debug)]
pub(crate) enum StepDensity {
    Known(f64),
    /// Of each layer; of no layer where all of them are dense.
    OfLayers(Vec<Density>),
}

impl StepDensity {
    /// The density. Waits for the device where keys were selected one by one.
    pub(crate) fn value(&self) -> Result<f64, Error> {
        match self {
            Self::Known(density) => Ok(*density),
            Self::OfLayers(densities) if densities.is_empty() => Ok(1.0),
            Self::OfLayers(densities) => {
                let mut sum = 0.0;
                for density in densities {
                    sum += density.value()?;
                }
                Ok(sum / densities.len() as f64)
            }
        }
    }
}
