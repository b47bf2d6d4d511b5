//! Qwen3 (Yang et al. 2025, arXiv 2505.09388), as `modeling_qwen3.py` of Hugging Face transformers defines it: Llama with
//! RMS norms of query and key heads, heads of a dimension of their own, and the windows of Qwen2.

use serde::Deserialize;

use super::ConfigFile;
use super::llama_block::LlamaLike;
use super::qwen2::windows;
use super::transformer::Transformer;
use crate::Error;
use crate::weights::WeightPath;

/// The fields of `config.json` beside those that all architectures of this kind have.
#[derive(Debug, Deserialize)]
struct Qwen3Config {
    #[serde(default)]
    attention_bias: bool,
}

/// D of a config without `head_dim`, as in transformers.
const HEAD_DIM: i64 = 128;

/// Reads the weights under `root`; their names are those of Hugging Face's checkpoints.
pub(super) fn load(file: ConfigFile<'_>, root: &WeightPath<'_>) -> Result<Transformer, Error> {
    let Qwen3Config { attention_bias } = file.read()?;
    let config = LlamaLike {
        head_norm: true,
        qkv_bias: attention_bias,
        output_bias: attention_bias,
        ..LlamaLike::read(file, Some(HEAD_DIM))?
    };
    config.load(file, root, windows(file, config.dims.layers)?)
}
