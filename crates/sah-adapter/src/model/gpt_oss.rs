//! `gpt-oss` (OpenAI 2025, arXiv 2508.10925), as `modeling_gpt_oss.py` of Hugging Face transformers defines it: experts in every layer, a
//! window in every other one, and a learned score in each head's softmax that belongs to no key.

use super::activation::Activation;
use super::experts::{ExpertNames, ExpertTensors, ExpertsConfig, Scoring};
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike, Softmax};
use super::rope::{DefaultRope, RopeConfig};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const GPT_OSS: LlamaDefaults = LlamaDefaults {
    rope: DefaultRope { positions: 131_072, theta: 150_000.0, ..DEFAULTS.rope },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    RopeConfig::required(file);
    let base = LlamaLike::read(file, &GPT_OSS);
    let (count, chosen) = ExpertsConfig::numbers(file, ["num_local_experts", "num_experts"], (128, 4));
    let activation = Activation::ClampedSwish {
        alpha: file.number("swiglu_alpha", 1.702),
        limit: file.number("swiglu_limit", 7.0),
    };
    let bias = file.bool("attention_bias", true);
    Box::new(LlamaLike {
        qkv_bias: bias,
        output_bias: bias,
        softmax: Softmax::OverKeysAndSink,
        activation,
        windows: LayerWindows::in_all_but_every(file, base.dims.layers, 128, 2),
        experts: Some(ExpertsConfig {
            count,
            chosen,
            intermediate: base.dims.intermediate,
            normalised: true,
            scoring: Scoring::Softmax,
            shared: None,
            layers: vec![true; base.dims.layers],
            names: ExpertNames { block: "mlp", router: "router", tensors: ExpertTensors::Together },
        }),
        ..base
    })
}
