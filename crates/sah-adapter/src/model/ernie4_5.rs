//! ERNIE 4.5 (Baidu 2025), the dense model, as `modeling_ernie4_5.py` of Hugging Face transformers defines it: Llama with rotary
//! embeddings of neighbours.

use sah_tensor::rowwise::Pairs;

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const ERNIE4_5: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 103_424,
        hidden: 1024,
        intermediate: 3072,
        layers: 18,
        heads: 16,
        kv_heads: Some(2),
        head_dim: Some(128),
    },
    rope: DefaultRope { positions: 131_072, theta: 500_000.0, pairs: Pairs::Neighbours, ..DEFAULTS.rope },
    rms_norm_eps: 1e-5,
    tie: true,
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let bias = file.bool("use_bias", false);
    let config =
        LlamaLike { qkv_bias: bias, output_bias: bias, mlp_bias: bias, ..LlamaLike::read(file, &ERNIE4_5) };
    LayerWindows::in_none(file, config.dims.layers);
    Box::new(config)
}
