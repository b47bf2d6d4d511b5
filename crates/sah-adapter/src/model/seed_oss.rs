//! Seed-OSS (ByteDance Seed Team 2025), as `modeling_seed_oss.py` of Hugging Face transformers defines it: Llama with biases of
//! queries, keys and values, and heads of a dimension of their own.

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const SEED_OSS: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 155_136,
        intermediate: 27_648,
        layers: 64,
        heads: 80,
        kv_heads: Some(8),
        head_dim: Some(128),
        ..DEFAULTS.dims
    },
    rope: DefaultRope { positions: 524_288, ..DEFAULTS.rope },
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        qkv_bias: file.bool("attention_bias", true),
        output_bias: file.bool("attention_out_bias", false),
        mlp_bias: file.bool("mlp_bias", false),
        ..LlamaLike::read(file, &SEED_OSS)
    };
    LayerWindows::in_none(file, config.dims.layers);
    Box::new(config)
}
