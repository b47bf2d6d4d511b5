//! GLM-4.5 and 4.6 (GLM-4.5 Team 2025, arXiv 2508.06471), as `modeling_glm4_moe.py` of Hugging Face transformers defines them:
//! Llama with half of each head rotated, and the experts of DeepSeek-V3 in all but the first layers.

use super::deepseek_experts::DeepseekExperts;
use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, HeadNorms, LlamaDefaults, LlamaLike};
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const GLM4_MOE: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 151_552,
        intermediate: 10_944,
        layers: 46,
        heads: 96,
        kv_heads: Some(8),
        ..DEFAULTS.dims
    },
    rope: DefaultRope { positions: 131_072, partial: 0.5, ..DEFAULTS.rope },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        qkv_bias: file.bool("attention_bias", false),
        head_norm: file.bool("use_qk_norm", false).then_some(HeadNorms::Each),
        ..LlamaLike::read(file, &GLM4_MOE)
    };
    let layers = config.dims.layers;
    LayerWindows::in_none(file, layers);
    let defaults = DeepseekExperts { dense: 1, count: 128, intermediate: 1408, groups: (1, 1), factor: 1.0 };
    Box::new(LlamaLike { experts: Some(defaults.read(file, layers)), ..config })
}
