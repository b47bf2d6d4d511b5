//! Qwen3-Next (Qwen Team 2025), as `modeling_qwen3_next.py` of Hugging Face transformers defines it: gated attention in one of four layers,
//! the gated delta rule in the others, and experts beside one that every position uses.

use super::attention::OutputGate;
use super::dims::DefaultDims;
use super::experts::{ExpertsConfig, Scoring, SharedConfig};
use super::gated_delta::{DeltaDims, DeltaProjections};
use super::llama_block::{DEFAULTS, DeltaLayers, HeadNorms, LlamaDefaults, LlamaLike, NormKind};
use super::qwen3_moe::NAMES;
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, shortened};

pub(super) const QWEN3_NEXT: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 151_936,
        hidden: 2048,
        intermediate: 5632,
        layers: 48,
        heads: 16,
        kv_heads: Some(2),
        head_dim: Some(256),
    },
    rope: DefaultRope { positions: 32_768, partial: 0.25, ..DEFAULTS.rope },
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = with_delta_layers(file, &QWEN3_NEXT, DeltaProjections::ByHead);
    let layers = ExpertsConfig::qwen_layers(file, config.dims.layers);
    let experts = experts(file, (512, 10), layers, file.bool("norm_topk_prob", true));
    Box::new(LlamaLike { experts: Some(experts), ..config })
}

/// Experts beside one that every position uses; `default` is how many there are and how many a position chooses.
pub(super) fn experts(
    file: &ConfigFile<'_>,
    default: (i64, i64),
    layers: Vec<bool>,
    normalised: bool,
) -> ExpertsConfig {
    let (count, chosen) = ExpertsConfig::numbers(file, ["num_experts", "num_local_experts"], default);
    ExpertsConfig {
        count,
        chosen,
        intermediate: file.size("moe_intermediate_size", 512),
        normalised,
        scoring: Scoring::Softmax,
        shared: Some(SharedConfig {
            name: "shared_expert",
            intermediate: file.size("shared_expert_intermediate_size", 512),
            gate: Some("shared_expert_gate"),
        }),
        layers,
        names: NAMES,
    }
}

/// The model without experts.
pub(super) fn with_delta_layers(
    file: &ConfigFile<'_>,
    defaults: &LlamaDefaults,
    projections: DeltaProjections,
) -> LlamaLike {
    let base = LlamaLike::read(file, defaults).with_attention_bias(file);
    let key_heads = file.size("linear_num_key_heads", 16);
    let mut dims = DeltaDims {
        key_heads,
        value_heads: file.size("linear_num_value_heads", 32),
        key_dim: file.size("linear_key_head_dim", 128),
        value_dim: file.size("linear_value_head_dim", 128),
        kernel: file.size("linear_conv_kernel_dim", 4),
    };
    if dims.value_heads % key_heads != 0 {
        let expected = format!("a multiple of linear_num_key_heads, {key_heads}");
        file.wrong("linear_num_value_heads", expected, dims.value_heads);
        dims.value_heads = key_heads;
    }
    let layers = delta_layers(file, base.dims.layers);
    let attention: Vec<String> = layers
        .iter()
        .enumerate()
        .filter(|(_, is_delta)| !**is_delta)
        .map(|(layer, _)| layer.to_string())
        .collect();
    file.note(format!(
        "layers {} are attention, which maskers, retentions and the KV cache act on and results count from 0; the others keep a memory of one \
         size, whatever is asked for",
        attention.join(", ")
    ));
    LlamaLike {
        norm: NormKind::RmsOnePlus,
        head_norm: Some(HeadNorms::Each),
        gates: OutputGate::BesideQueries,
        delta: Some(DeltaLayers { dims, projections, layers }),
        ..base
    }
}

/// Whether each layer has the gated delta rule in the place of attention: those that the config lists, or all but every fourth.
fn delta_layers(file: &ConfigFile<'_>, layers: usize) -> Vec<bool> {
    let every = file.optional_size("full_attention_interval").unwrap_or(4) as usize;
    let mut listed: Vec<bool> = (0..layers).map(|layer| !(layer + 1).is_multiple_of(every)).collect();
    if let Some(names) = file.texts("layer_types") {
        if names.len() == layers {
            listed = names.iter().map(|name| *name == "linear_attention").collect();
        } else {
            file.wrong("layer_types", format!("one for each of {layers} layers"), names.len());
        }
        let known = ["linear_attention", "full_attention"];
        if let Some(other) = names.iter().find(|name| !known.contains(name)) {
            file.unsupported("layer_types", other, known.join(", "));
        }
    }
    if listed.iter().all(|is_delta| *is_delta) {
        let found = file.get("layer_types").map_or_else(|| format!("{layers} layers"), shortened);
        file.wrong("layer_types", "a layer of full_attention at least", found);
        listed[0] = false;
    }
    listed
}
