//! Qwen3.5 (Qwen Team 2026), as `modeling_qwen3_5.py` and `modeling_qwen3_5_moe.py` of Hugging Face transformers define its language models:
//! Qwen3-Next with other projections, without experts or with them in every layer.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::gated_delta::DeltaProjections;
use super::llama_block::{LlamaDefaults, LlamaLike};
use super::qwen3_next::{QWEN3_NEXT, experts, with_delta_layers};
use super::rope::{DefaultRope, Particular};
use super::spec::Build;

const QWEN3_5: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 248_320,
        hidden: 4096,
        intermediate: 12_288,
        layers: 32,
        kv_heads: Some(4),
        ..QWEN3_NEXT.dims
    },
    rope: DefaultRope { particular: Particular::Sections, ..QWEN3_NEXT.rope },
    ..QWEN3_NEXT
};

const QWEN3_5_MOE: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { vocabulary: 248_320, layers: 40, ..QWEN3_NEXT.dims },
    rope: QWEN3_5.rope,
    ..QWEN3_NEXT
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    Box::new(with_delta_layers(file, &QWEN3_5, DeltaProjections::Apart))
}

/// The same with experts.
pub(super) fn read_moe(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = with_delta_layers(file, &QWEN3_5_MOE, DeltaProjections::Apart);
    let experts = experts(file, (256, 8), vec![true; config.dims.layers], true);
    Box::new(LlamaLike { experts: Some(experts), ..config })
}
