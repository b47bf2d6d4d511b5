//! Llama (Touvron et al. 2023, arXiv 2302.13971; Llama 3, arXiv 2407.21783), as `modeling_llama.py` of Hugging Face
//! transformers defines it. `SmolLM2` has this architecture too.

use serde::Deserialize;

use super::ConfigFile;
use super::llama_block::LlamaLike;
use super::transformer::Transformer;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` beside those that all architectures of this kind have.
#[derive(Debug, Deserialize)]
struct LlamaConfig {
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
}

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let LlamaConfig { attention_bias, mlp_bias } = file.read()?;
    let config = LlamaLike {
        qkv_bias: attention_bias,
        output_bias: attention_bias,
        mlp_bias,
        ..LlamaLike::read(file, None)?
    };
    config.load(file, root, |_| None)
}
