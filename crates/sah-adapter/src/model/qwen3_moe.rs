//! Qwen3's mixtures of experts (Yang et al. 2025, arXiv 2505.09388), as `modeling_qwen3_moe.py` of Hugging Face transformers
//! defines them: Qwen3 with experts in all layers or some, and a window in all layers where it is switched on.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::experts::{ExpertNames, ExpertsConfig, Scoring};
use super::llama_block::{LlamaDefaults, LlamaLike};
use super::mlp::GatedNames;
use super::qwen2::QWEN;
use super::qwen3::with_defaults;
use super::spec::Build;

const QWEN3_MOE: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        hidden: 2048,
        intermediate: 6144,
        layers: 24,
        kv_heads: Some(4),
        head_dim: None,
        ..QWEN.dims
    },
    ..QWEN
};

/// What both generations call their experts.
pub(super) const NAMES: ExpertNames = ExpertNames::each("mlp", GatedNames::LLAMA);

const WINDOW: usize = 4096;

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let mut config = with_defaults(file, &QWEN3_MOE);
    if file.bool("use_sliding_window", false) {
        config = config.with_window_in_all(file, Some(WINDOW));
    }
    let (count, chosen) = ExpertsConfig::numbers(file, ["num_experts", "num_local_experts"], (128, 8));
    let experts = ExpertsConfig {
        count,
        chosen,
        intermediate: file.size("moe_intermediate_size", 768),
        normalised: file.bool("norm_topk_prob", false),
        scoring: Scoring::Softmax,
        shared: None,
        layers: ExpertsConfig::qwen_layers(file, config.dims.layers),
        names: NAMES,
    };
    Box::new(LlamaLike { experts: Some(experts), ..config })
}
