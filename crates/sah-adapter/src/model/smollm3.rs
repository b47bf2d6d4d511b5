//! SmolLM3 (Hugging Face 2025), as `modeling_smollm3.py` of Hugging Face transformers defines it: Llama without rotary
//! embeddings in some layers (Yang et al. 2025, arXiv 2501.18795), which may have a sliding window.

use serde_json::Value;

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::DefaultRope;
use super::spec::Build;
use super::{ConfigFile, LayerWindows, shortened};

const SMOLLM3: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 128_256,
        hidden: 2048,
        layers: 36,
        heads: 16,
        kv_heads: Some(4),
        ..DEFAULTS.dims
    },
    rope: DefaultRope { positions: 32_768, theta: 2_000_000.0, ..DEFAULTS.rope },
    tie: true,
    ..DEFAULTS
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        mlp_bias: file.bool("mlp_bias", false),
        ..LlamaLike::read(file, &SMOLLM3).with_attention_bias(file)
    };
    let layers = config.dims.layers;
    let rotated = rotated(file, layers);
    let windows = LayerWindows::where_switched_on(file, layers, None, |layer| !rotated[layer]);
    let layer_ropes = rotated.iter().map(|rotated| rotated.then_some(0)).collect();
    Box::new(LlamaLike { windows, layer_ropes, ..config })
}

/// Whether each layer is rotated: what `no_rope_layers` says, against its name (1: it is), or all but every
/// `no_rope_layer_interval`-th.
fn rotated(file: &ConfigFile<'_>, layers: usize) -> Vec<bool> {
    let interval = file.optional_size("no_rope_layer_interval").unwrap_or(4) as usize;
    let rule = || (1..=layers).map(|layer| !layer.is_multiple_of(interval)).collect();
    let Some(value) = file.get("no_rope_layers").filter(|value| !value.is_null()) else { return rule() };
    let listed = value.as_array().and_then(|list| list.iter().map(Value::as_i64).collect::<Option<Vec<_>>>());
    match listed {
        Some(listed) if listed.len() >= layers => listed[..layers].iter().map(|&is| is != 0).collect(),
        _ => {
            file.wrong("no_rope_layers", format!("0 or 1 for each of {layers} layers"), shortened(value));
            rule()
        }
    }
}
