//! Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671), as `modeling_qwen2.py` of Hugging Face transformers defines
//! it: Llama with biases of queries, keys and values, and, where the config switches it on, a sliding window in the upper
//! layers.

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::{DefaultRope, Particular};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

/// What a config of Qwen2 or Qwen3 leaves out.
pub(super) const QWEN: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { vocabulary: 151_936, intermediate: 22_016, kv_heads: Some(32), ..DEFAULTS.dims },
    rope: DefaultRope { positions: 32_768, ..DEFAULTS.rope },
    ..DEFAULTS
};

/// The same of the language models in Qwen2-VL and Qwen2.5-VL.
const QWEN_VL: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims {
        vocabulary: 152_064,
        hidden: 8192,
        intermediate: 29_568,
        layers: 80,
        heads: 64,
        kv_heads: Some(8),
        head_dim: None,
    },
    rope: DefaultRope { particular: Particular::Sections, ..QWEN.rope },
    rms_norm_eps: 1e-5,
    ..QWEN
};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    with_defaults(file, &QWEN)
}

/// The language model in Qwen2-VL or Qwen2.5-VL. Its rotary embeddings count images in three dimensions and text in one.
pub(super) fn read_vl(file: &ConfigFile<'_>) -> Box<dyn Build> {
    with_defaults(file, &QWEN_VL)
}

fn with_defaults(file: &ConfigFile<'_>, defaults: &LlamaDefaults) -> Box<dyn Build> {
    let config = LlamaLike { qkv_bias: true, ..LlamaLike::read(file, defaults) };
    let windows = windows(file, config.dims.layers);
    Box::new(LlamaLike { windows, ..config })
}

/// The window of each layer, as Qwen2 and Qwen3 have them: where they are switched on, `sliding_window` in the layers
/// from `max_window_layers` on, or in those that `layer_types` names.
pub(super) fn windows(file: &ConfigFile<'_>, layers: usize) -> Vec<Option<usize>> {
    let first = file.count("max_window_layers", 28);
    LayerWindows::where_switched_on(file, layers, Some(4096), |layer| layer >= first)
}
