//! EXAONE 4 (LG AI Research 2025, arXiv 2507.11407), as `modeling_exaone4.py` of Hugging Face transformers defines it: the norms
//! of OLMo 2 and of query and key heads; where layers have a window, only these are rotated.

use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, HeadNorms, LlamaDefaults, LlamaLike, Norms};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const EXAONE4: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { vocabulary: 102_400, intermediate: 16_384, kv_heads: Some(32), ..DEFAULTS.dims },
    rms_norm_eps: 1e-5,
    ..DEFAULTS
};
const WINDOW: usize = 4096;

/// Every so many layers one has no window.
const PATTERN: i64 = 4;

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        norms: Norms::After,
        head_norm: Some(HeadNorms::Each),
        ..LlamaLike::read(file, &EXAONE4)
    };
    let windows = LayerWindows::in_all_but_every(file, config.dims.layers, WINDOW, PATTERN);
    let is_hybrid = !file.get("sliding_window").is_some_and(serde_json::Value::is_null);
    let rope = |window: &Option<usize>| (window.is_some() || !is_hybrid).then_some(0);
    let layer_ropes = windows.iter().map(rope).collect();
    Box::new(LlamaLike { windows, layer_ropes, ..config })
}
