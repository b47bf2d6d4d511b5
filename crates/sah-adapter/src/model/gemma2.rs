//! Gemma 2 (Gemma Team 2024, arXiv 2408.00118), as `modeling_gemma2.py` of Hugging Face transformers defines it: bounded
//! scores and logits, and a sliding window in every second layer, from the first on.

use super::gemma::{DEFAULT_DIMS, Gemma, WINDOW};
use super::llama_block::DEFAULTS;
use super::rope::{DefaultRope, RopeConfig};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

const ROPE: DefaultRope = DefaultRope { positions: 8192, ..DEFAULTS.rope };

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let gemma = Gemma::read(file, &DEFAULT_DIMS);
    let windows = LayerWindows::read(file, gemma.dims.layers, Some(WINDOW));
    let width = windows.required_width(file);
    let layer = |layer| {
        let is_windowed = windows.is_windowed(layer, |layer| layer % 2 == 0);
        (is_windowed.then_some(width), 0)
    };
    Box::new(Gemma {
        attention_cap: file.optional_number("attn_logit_softcapping", Some(50.0)),
        logit_cap: file.optional_number("final_logit_softcapping", Some(30.0)),
        ropes: vec![RopeConfig::read(file, gemma.dims.heads.dim, &ROPE)],
        layers: (0..gemma.dims.layers).map(layer).collect(),
        ..gemma
    })
}
