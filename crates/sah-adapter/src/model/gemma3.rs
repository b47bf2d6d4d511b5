//! Gemma 3 (Gemma Team 2025, arXiv 2503.19786), as `Gemma3ForCausalLM` of Hugging Face transformers defines it: Gemma 2
//! with norms of heads in place of bounded scores, and rotary embeddings of their own in layers with a window.

use super::dims::DefaultDims;
use super::gemma::{DEFAULT_DIMS, Gemma, WINDOW};
use super::llama_block::DEFAULTS;
use super::rope::{DefaultRope, RopeConfig};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const DIMS: DefaultDims = DefaultDims { vocabulary: 262_208, ..DEFAULT_DIMS };

/// Of layers without a window, and of those with one.
const GLOBAL: DefaultRope = DefaultRope { positions: 131_072, theta: 1_000_000.0, ..DEFAULTS.rope };
const LOCAL: DefaultRope = DefaultRope { theta: 10_000.0, ..GLOBAL };

/// Every sixth layer reads everything.
const PATTERN: i64 = 6;

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    if let Some(cap) = file.optional_number("attn_logit_softcapping", None) {
        // transformers reads the field and does not apply it.
        file.unsupported("attn_logit_softcapping", cap, "null");
    }
    let gemma = Gemma::read(file, &DIMS);
    let pattern = file.optional_size("sliding_window_pattern").unwrap_or(PATTERN) as usize;
    let windows = LayerWindows::read(file, gemma.dims.layers, Some(WINDOW));
    let width = windows.required_width(file);
    let layer = |layer| {
        let is_windowed = windows.is_windowed(layer, |layer| (layer + 1) % pattern != 0);
        if is_windowed { (Some(width), 1) } else { (None, 0) }
    };
    Box::new(Gemma {
        head_norm: true,
        logit_cap: file.optional_number("final_logit_softcapping", None),
        ropes: RopeConfig::of_layer_types(
            file,
            [gemma.dims.heads.dim; 2],
            &GLOBAL,
            &LOCAL,
            "rope_local_base_freq",
        )
        .into(),
        layers: (0..gemma.dims.layers).map(layer).collect(),
        ..gemma
    })
}
