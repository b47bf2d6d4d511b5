//! Qwen1.5-MoE and Qwen2's mixture of experts (Yang et al. 2024, arXiv 2407.10671), as `modeling_qwen2_moe.py` of Hugging
//! Face transformers defines them: Qwen2 with experts in all layers or some, beside one that every position uses.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::experts::{ExpertsConfig, Scoring, SharedConfig};
use super::llama_block::{LlamaDefaults, LlamaLike};
use super::qwen2::QWEN;
use super::qwen3_moe::NAMES;
use super::spec::Build;

const QWEN2_MOE: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        hidden: 2048,
        intermediate: 5632,
        layers: 24,
        heads: 16,
        kv_heads: Some(16),
        ..QWEN.dims
    },
    ..QWEN
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike::read(file, &QWEN2_MOE);
    if file.bool("use_sliding_window", false) {
        // transformers 4 and 5 do not agree on the layers that have it, and no published model does.
        file.unsupported("use_sliding_window", true, false);
    }
    let (count, chosen) = ExpertsConfig::numbers(file, ["num_experts", "num_local_experts"], (60, 4));
    let experts = ExpertsConfig {
        count,
        chosen,
        intermediate: file.size("moe_intermediate_size", 1408),
        normalised: file.bool("norm_topk_prob", false),
        scoring: Scoring::Softmax,
        shared: Some(SharedConfig {
            name: "shared_expert",
            intermediate: file.size("shared_expert_intermediate_size", 5632),
            gate: Some("shared_expert_gate"),
        }),
        layers: ExpertsConfig::qwen_layers(file, config.dims.layers),
        names: NAMES,
    };
    Box::new(LlamaLike { qkv_bias: file.bool("qkv_bias", true), experts: Some(experts), ..config })
}
