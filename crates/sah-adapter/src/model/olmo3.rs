//! OLMo 3 (OLMo Team 2025), as `modeling_olmo3.py` of Hugging Face transformers defines it: OLMo 2 with a window in three of four
//! layers, whose rotary embeddings are not scaled.

use super::llama_block::{LlamaDefaults, LlamaLike};
use super::olmo2::{OLMO2, with_norms};
use super::rope::{DefaultRope, RopeConfig};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const OLMO3: LlamaDefaults = LlamaDefaults { rope: DefaultRope { theta: 500_000.0, ..OLMO2.rope }, ..OLMO2 };
const WINDOW: usize = 4096;

/// Every so many layers one has no window.
const PATTERN: i64 = 4;

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let ropes = |head_dim| {
        RopeConfig::of_layer_types(file, [head_dim; 2], &OLMO3.rope, &OLMO3.rope, "rope_theta").into()
    };
    let config = with_norms(file, LlamaLike::with_ropes(file, &OLMO3, ropes));
    let windows = LayerWindows::in_all_but_every(file, config.dims.layers, WINDOW, PATTERN);
    let layer_ropes = windows.iter().map(|window| Some(usize::from(window.is_some()))).collect();
    Box::new(LlamaLike { windows, layer_ropes, ..config })
}
