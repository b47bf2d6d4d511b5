//! GLM-4.5 and 4.6 (GLM-4.5 Team 2025, arXiv 2508.06471), as `modeling_glm4_moe.py` of Hugging Face transformers defines them:
//! Llama with half of each head rotated, and the experts of DeepSeek-V3 in all but the first layers.

use super::dims::DefaultDims;
use super::experts::{ExpertsConfig, Scoring, SharedConfig};
use super::llama_block::{DEFAULTS, HeadNorms, LlamaDefaults, LlamaLike};
use super::qwen3_moe::NAMES;
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
    // The first layers have none.
    let dense = file.count("first_k_dense_replace", 1);
    let (count, chosen) = ExpertsConfig::numbers(file, ["n_routed_experts", "num_local_experts"], (128, 8));
    let intermediate = file.size("moe_intermediate_size", 1408);
    let shared = file.size("n_shared_experts", 1) * intermediate;
    let experts = ExpertsConfig {
        count,
        chosen,
        intermediate,
        normalised: file.bool("norm_topk_prob", true),
        scoring: scoring(file, count, chosen),
        shared: Some(SharedConfig { name: "shared_experts", intermediate: shared, gate: None }),
        layers: (0..layers).map(|layer| layer >= dense).collect(),
        names: NAMES,
    };
    Box::new(LlamaLike { experts: Some(experts), ..config })
}

fn scoring(file: &ConfigFile<'_>, count: i64, chosen: i64) -> Scoring {
    let (mut groups, mut chosen_groups) = (file.size("n_group", 1), file.size("topk_group", 1));
    if count % groups != 0 || groups > 1 && count / groups < 2 {
        file.wrong("n_group", format!("groups of two or more of {count} experts"), groups);
        groups = 1;
    }
    if chosen_groups > groups || chosen > chosen_groups * (count / groups) {
        let expected = format!("at most n_group, {groups}, and enough for {chosen} experts");
        file.wrong("topk_group", expected, chosen_groups);
        chosen_groups = groups;
    }
    Scoring::Sigmoid { groups, chosen_groups, factor: file.number("routed_scaling_factor", 1.0) }
}
