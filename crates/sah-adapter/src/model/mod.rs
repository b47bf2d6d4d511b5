//! Model architectures. Each is one file (config mirror, config, blocks, public model) and a line in `families.rs`; what
//! several of them have stands in a file of its own.

mod activation;
mod attention;
mod config_file;
mod decoder;
mod dims;
mod families;
mod gemma;
mod gemma2;
mod gemma3;
mod gpt2;
mod linear;
mod llama;
mod llama_block;
mod matvec;
mod mistral;
mod mlp;
mod norm;
mod phi3;
mod qwen2;
mod qwen3;
mod rope;
mod sizes;
mod window;

use sah_attention::AttentionPolicy;
use tch::Tensor;

use config_file::ConfigFile;
pub(crate) use families::load;
pub use families::{ModelFamily, VERIFIED_AGAINST, families};
pub use sizes::{MatrixSize, ModelSizes};

use crate::Error;
use crate::cache::{CacheShape, KvCache};

/// A decoder-only language model.
pub(crate) trait CausalLm: std::fmt::Debug {
    /// Runs `ids`, which follow what is in `cache`, and appends them to it. `attention` decides which keys each layer
    /// reads.
    fn forward(
        &self,
        ids: &[u32],
        cache: &mut KvCache,
        attention: &mut AttentionPolicy<'_>,
    ) -> Result<Step, Error>;

    /// What a cache for this model looks like.
    fn cache_shape(&self) -> CacheShape;

    /// How many positions the model was made for.
    fn positions(&self) -> usize;

    /// How large it is; the bytes are left to whoever knows how values are stored.
    fn sizes(&self) -> ModelSizes;
}

/// What one forward pass gives.
#[derive(Debug)]
pub(crate) struct Step {
    /// The next-token logits after the last of the ids, `[vocabulary]`, f32.
    pub(crate) logits: Tensor,
    /// Mean share of the visible keys that attention read, over the layers.
    pub(crate) density: f64,
}
