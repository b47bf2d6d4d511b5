//! Llama (Touvron et al. 2023, arXiv 2302.13971; Llama 3, arXiv 2407.21783), as `modeling_llama.py` of Hugging Face
//! transformers defines it. `SmolLM2` has this architecture too.

use super::llama_block::{DEFAULTS, LlamaLike};
use super::spec::Build;
use super::{ConfigFile, LayerWindows};

/// The model that the config describes.
pub(super) fn read(file: &ConfigFile<'_>) -> Box<dyn Build> {
    let config = LlamaLike {
        mlp_bias: file.bool("mlp_bias", false),
        ..LlamaLike::read(file, &DEFAULTS).with_attention_bias(file)
    };
    LayerWindows::in_none(file, config.dims.layers);
    Box::new(config)
}
