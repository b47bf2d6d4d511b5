//! GLM-4-0414 (Z.ai 2025), as `modeling_glm4.py` of Hugging Face transformers defines it: Llama with norms around attention and
//! MLP, half of each head rotated, neighbours with each other, and a fused MLP.

use sah_tensor::rowwise::Pairs;

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, Fused, LlamaDefaults, LlamaLike, Norms};
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const GLM4: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 151_552,
        intermediate: 13_696,
        layers: 40,
        kv_heads: Some(2),
        head_dim: Some(128),
        ..DEFAULTS.dims
    },
    rope: DefaultRope { positions: 131_072, partial: 0.5, pairs: Pairs::Neighbours, ..DEFAULTS.rope },
    rms_norm_eps: 1.5625e-7,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        norms: Norms::Around,
        fused: Fused::GateUp,
        qkv_bias: file.bool("attention_bias", true),
        ..LlamaLike::read(file, &GLM4)
    };
    LayerWindows::in_none(file, config.dims.layers);
    Box::new(config)
}
