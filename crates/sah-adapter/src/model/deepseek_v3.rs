//! DeepSeek-V3 and R1 (DeepSeek-AI 2024, arXiv 2412.19437), as `modeling_deepseek_v3.py` of Hugging Face transformers defines them: Llama
//! with latent attention, and experts in all but the first layers.

use sah_tensor::rowwise::Pairs;

use super::deepseek_experts::DeepseekExperts;
use super::dims::{DefaultDims, Dims, HeadDims};
use super::latent_attention::{LatentConfig, LatentDims};
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::{DefaultRope, RopeConfig};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const DEEPSEEK_V3: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 129_280,
        hidden: 7168,
        intermediate: 18_432,
        layers: 61,
        heads: 128,
        kv_heads: Some(128),
        ..DEFAULTS.dims
    },
    rope: DefaultRope { positions: 4096, ..DEFAULTS.rope },
    ..DEFAULTS
};

const EXPERTS: DeepseekExperts =
    DeepseekExperts { dense: 3, count: 256, intermediate: 2048, groups: (8, 4), factor: 2.5 };

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let rotated = file.size("qk_rope_head_dim", 64);
    let pairs = if file.bool("rope_interleave", true) { Pairs::Neighbours } else { Pairs::Halves };
    let rope = DefaultRope { pairs, ..DEEPSEEK_V3.rope };
    let config = LlamaLike::with_ropes(file, &DEEPSEEK_V3, |_| vec![RopeConfig::read(file, rotated, &rope)]);
    LayerWindows::in_none(file, config.dims.layers);
    let plain = file.size("qk_nope_head_dim", 128);
    let dims = LatentDims {
        heads: config.dims.heads.query,
        rotated,
        plain,
        value: file.size("v_head_dim", 128),
        latent: file.size("kv_lora_rank", 512),
        query_latent: match file.get("q_lora_rank") {
            None => Some(file.size("q_lora_rank", 1536)),
            Some(_) => file.optional_size("q_lora_rank"),
        },
    };
    let scale = config.ropes[0].latent_factor() / ((plain + rotated) as f64).sqrt();
    let latent = LatentConfig { dims, scale, bias: file.bool("attention_bias", false) };
    let experts = EXPERTS.read(file, config.dims.layers);
    // Whatever `head_dim` says, which nothing reads.
    let heads = HeadDims { dim: plain + rotated, ..config.dims.heads };
    let dims = Dims { heads, ..config.dims };
    Box::new(LlamaLike { dims, latent: Some(latent), experts: Some(experts), ..config })
}
