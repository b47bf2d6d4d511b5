//! Mistral (Jiang et al. 2023, arXiv 2310.06825), as `modeling_mistral.py` of Hugging Face transformers defines it: Llama
//! with a sliding window in every layer, or with none.

use super::ConfigFile;
use super::dims::DefaultDims;
use super::llama_block::{DEFAULTS, LlamaDefaults, LlamaLike};
use super::rope::DefaultRope;
use super::spec::Build;

/// What a config leaves out is that of the first model, as in transformers.
const MISTRAL: LlamaDefaults = LlamaDefaults {
    dims: DefaultDims { intermediate: 14_336, kv_heads: Some(8), ..DEFAULTS.dims },
    rope: DefaultRope { positions: 131_072, ..DEFAULTS.rope },
    ..DEFAULTS
};
const WINDOW: usize = 4096;

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    Box::new(LlamaLike::read(file, &MISTRAL).with_window_in_all(file, Some(WINDOW)))
}
