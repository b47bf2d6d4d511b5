//! Mixtral (Jiang et al. 2024, arXiv 2401.04088), as `modeling_mixtral.py` of Hugging Face transformers defines it: Mistral
//! with experts in the place of each feed-forward network, whose weights add up to 1.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::experts::{ExpertNames, ExpertsConfig, Scoring};
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::mlp::GatedNames;
use super::rope::DefaultRope;
use super::spec::Build;

const MIXTRAL: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { intermediate: 14_336, kv_heads: Some(8), ..DEFAULTS.dims },
    rope: DefaultRope { positions: 131_072, theta: 1_000_000.0, ..DEFAULTS.rope },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

const NAMES: ExpertNames =
    ExpertNames::each("block_sparse_moe", GatedNames { gate: "w1", up: "w3", down: "w2" });

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike::read(file, &MIXTRAL).with_window_in_all(file, None);
    let (count, chosen) = ExpertsConfig::numbers(file, ["num_local_experts", "num_experts"], (8, 2));
    let experts = ExpertsConfig {
        count,
        chosen,
        intermediate: config.dims.intermediate,
        normalised: true,
        scoring: Scoring::Softmax,
        shared: None,
        layers: vec![true; config.dims.layers],
        names: NAMES,
    };
    Box::new(LlamaLike { experts: Some(experts), ..config })
}
